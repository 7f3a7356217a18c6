import type { Logger } from "pino";
import type { Statements } from "../postgres.ts";
import { addressKey } from "./rate-limit.ts";

/** How often refused writes go to the audit log. */
export const RECORD_MS = 30_000;
/** Different ones recorded at a time; all others become one record for each status, so that nobody can fill the log. */
const MOST_AT_A_TIME = 5;

/** A write that was refused for its token, or for what it says. */
export interface RefusedWrite {
  /** Of the token where it is genuine; null where there is none that is accepted. */
  caller: { subject: string; token: string } | null;
  method: string;
  route: string;
  path: string;
  tenant: string | null;
  status: number;
  problem: string;
  address: string;
  /** The occurrence that the answer names. */
  request: string;
}

/** Who stands in the audit log where nobody is known. */
const NOBODY = { subject: "(no token)", token: "-" };
/** What stands there for refusals beyond {@link MOST_AT_A_TIME}. */
const OTHERS = {
  ...{ caller: { subject: "(several)", token: "-" }, method: "*", route: "*", path: "*" },
  ...{ tenant: null, address: null },
};

interface Counted extends Omit<RefusedWrite, "address"> {
  address: string | null;
  times: number;
}

/**
 * Remembers writes that were refused before they were tried, for their token or for what they say, until they are recorded
 * in the audit log. Equal ones (by whom, from where, to which route) are one record that says how often; its path and
 * occurrence are those of the first.
 */
export class RefusedWrites {
  readonly #node: string;
  readonly #postgres: Statements;
  readonly #log: Logger;
  #counted = new Map<string, Counted>();

  constructor({ node, postgres, log }: { node: string; postgres: Statements; log: Logger }) {
    this.#node = node;
    this.#postgres = postgres;
    this.#log = log;
  }

  /** Takes note of one; costs no statement. */
  note(refused: RefusedWrite): void {
    const { caller, method, route, status, address } = refused;
    const key = JSON.stringify([caller?.subject ?? null, method, route, status, addressKey(address)]);
    const known = this.#counted.get(key);
    if (known) known.times += 1;
    else if (this.#counted.size < MOST_AT_A_TIME) this.#counted.set(key, { ...refused, times: 1 });
    else this.#countOther(refused);
  }

  /** Beside what is counted by itself: at most one for each status. */
  #countOther(refused: RefusedWrite): void {
    const key = String(refused.status);
    const known = this.#counted.get(key);
    if (known) known.times += 1;
    else this.#counted.set(key, { ...refused, ...OTHERS, times: 1 });
  }

  /** Records what was noted. What could not be recorded is tried again with the next ones. */
  async record(): Promise<void> {
    for (const [key, refused] of this.#counted) {
      const { method, route, path, tenant, status, problem, request, address, times } = refused;
      const { subject, token } = refused.caller ?? NOBODY;
      // Taken off first, so that one that comes meanwhile begins a record of its own.
      this.#counted.delete(key);
      try {
        await this.#postgres.rows("record-write", [
          ...[subject, token, method, route, path, tenant, status, problem],
          ...[this.#node, request, address, times],
        ]);
      } catch (error) {
        const again = this.#counted.get(key);
        this.#counted.set(key, { ...refused, times: times + (again?.times ?? 0) });
        throw error;
      }
      this.#log.warn({ subject, address, method, route, status, times }, "writes were refused");
    }
  }
}

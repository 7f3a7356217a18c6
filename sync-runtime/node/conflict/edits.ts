import type pg from "pg";
import * as z from "zod";
import { query } from "../../database/query.ts";
import type { Job } from "../job.ts";
import { type Conflicts, conflictType, decide, type Meeting, strategyFor } from "./decide.ts";
import { inColumnsOfNow } from "./meeting.ts";

const Image = z.record(z.string(), z.unknown()).nullable();
const UndoneEdit = z.object({
  id: z.string(),
  source: z.string(),
  key: Image,
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  reshaped: z.boolean(),
  base: Image,
  met: Image,
  remote: Image,
  edited_at: z.date(),
  conflict: z.string().nullable(),
});
type UndoneEdit = z.infer<typeof UndoneEdit>;

const NewConflict = z.object({
  table: z.string(),
  type: z.string(),
  strategy: z.string(),
  winner: z.enum(["source", "remote", "merged", "pending"]),
});
export type NewConflict = z.infer<typeof NewConflict>;

const Met = z.object({ resolved: z.coerce.number(), reopened: z.coerce.number() });
const Laid = z.object({ decided: z.coerce.number(), resolved: z.coerce.number() });

/** What became of others' writes into a replica. */
export interface Settled {
  /** Rows in which the replica differs from its source by decision. */
  decided: number;
  /** Conflicts that no sync knew before. */
  conflicts: NewConflict[];
  /** Operators' decisions that were applied. */
  resolved: number;
  /** Those that came too late: the source had changed the row since. */
  reopened: number;
}

/** Somebody's transaction has written into the replica and does not end. */
export class EditOpenError extends Error {
  override name = "EditOpenError";
  readonly code = "edit-open";

  constructor(tenant: string, cause: Error) {
    super(
      `The replica of ${tenant} cannot be compared: ${cause.message}. Nothing was changed, and the next sync tries again. ` +
        "Commit or roll back that transaction, or end its process with pg_terminate_backend.",
      { cause },
    );
  }
}

/**
 * What others than the nodes wrote into one replica. It is taken off before a sync works, so that the sync proves the
 * replica equal to its source and to nothing else; then each row meets the source's, and what wins over that is laid on
 * top. All of it happens in the sync's transaction: without a commit the edits are as they were.
 */
export class Edits {
  readonly #client: pg.ClientBase;
  readonly #job: Job;
  /** Whether anything was taken off, or an operator's decision waits. */
  readonly any: boolean;

  /** @param any whether begin-sync.sql took anything off, or found a decision that waits */
  constructor(client: pg.ClientBase, job: Job, any: boolean) {
    this.#client = client;
    this.#job = job;
    this.any = any;
  }

  /** Decides about each edit, over a replica that was proven equal and while the claim is locked. */
  async settle(conflicts: Conflicts): Promise<Settled> {
    if (!this.any) return { decided: 0, conflicts: [], resolved: 0, reopened: 0 };
    const met = Met.parse(await this.#ask("meet-edits"));
    const found: NewConflict[] = [];
    for (let edits = await this.#next("0"); edits.length > 0; ) {
      const decisions = edits.flatMap((edit) => decisionOf(edit, conflicts) ?? []);
      if (decisions.length > 0) found.push(...(await this.#lay(decisions)));
      edits = await this.#next((edits.at(-1) as UndoneEdit).id);
    }
    const { decided, resolved } = Laid.parse(await this.#ask("settle-edits"));
    return { decided, conflicts: found, resolved: met.resolved + resolved, reopened: met.reopened };
  }

  async #next(after: string): Promise<UndoneEdit[]> {
    const { rows } = await this.#client.query(query("undone-edits"), [this.#job.tenant, after]);
    return z.array(UndoneEdit).parse(rows);
  }

  async #lay(decisions: LaidDecision[]): Promise<NewConflict[]> {
    const { tenant, claim_epoch: epoch, id } = this.#job;
    const values = [tenant, epoch, id, JSON.stringify(decisions)];
    const { rows } = await this.#client.query(query("lay-edits"), values);
    return z.array(NewConflict).parse(rows);
  }

  async #ask(statement: string): Promise<unknown> {
    const { tenant, claim_epoch: epoch, id } = this.#job;
    return (await this.#client.query(query(statement), [tenant, epoch, id])).rows[0];
  }
}

/** A decision as lay-edits.sql takes it. */
interface LaidDecision {
  id: string;
  type: string;
  strategy: string;
  winner: string;
  why: string;
  row?: Meeting["remote"];
  stands?: true;
}

/** What is done about one edit; undefined when both sides made the same of the row. */
export function decisionOf(edit: UndoneEdit, conflicts: Conflicts): LaidDecision | undefined {
  const meeting: Meeting = {
    table: edit.source,
    key: edit.key,
    base: edit.base,
    source: edit.met,
    remote: edit.remote,
    editedAt: edit.edited_at,
    types: Object.fromEntries(edit.columns.map(({ name, type }) => [name, type])),
  };
  const now = inColumnsOfNow(meeting);
  const type = conflictType(now);
  if (!type) return undefined;
  const { id } = edit;
  // Only the table's columns changed since it was decided: the row stands, in the columns of now.
  if (edit.conflict !== null && type.startsWith("none/"))
    return { id, type, strategy: "target_wins", winner: "remote", why: "", row: now.remote, stands: true };
  const { strategy, winner, row, why } = decide(meeting, strategyFor(edit.source, conflicts));
  const changed = winner === "merged" || (winner === "remote" && edit.reshaped);
  return { id, type, strategy, winner, why, ...(changed && row !== undefined ? { row } : {}) };
}

import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "./asked-host.ts";

/** What a restore set aside and nobody has removed yet. */
export interface Kept {
  /** Number of the operation. */
  operation: string;
  bytes: number;
}

/** A tenant's place on its host, in which a restore puts data and keeps what was there (components/host/restore-data.sh). */
export class RestorePlace {
  readonly #host: AskedHost;
  readonly #tenant: string;
  /** Absolute path of the tenant's directory on its host. */
  readonly home: string;

  constructor(host: AskedHost, tenant: string) {
    this.#host = host;
    this.#tenant = tenant;
    this.home = `${host.spec.root}/tenants/${tenant}`;
  }

  /** Folder of a restore, beside the data and on the same disk. */
  folderOf = (operation: string): string => `${this.home}/restore-${operation}`;

  /** One action of the script for a restore; safe to repeat. `before`: the restore whose set-aside data is meant. */
  async act(
    action: "stage" | "swap" | "back" | "clean" | "before" | "unbefore",
    operation: string,
    before = "",
  ): Promise<void> {
    await this.#run(action, { OPERATION: operation, FROM: this.folderOf(operation), BEFORE: before });
  }

  /** Everything that restores have set aside. */
  async kept(): Promise<Kept[]> {
    return keptOf(await this.#run("kept", {}));
  }

  /** Removes all of that; answers what it was. */
  async forget(): Promise<Kept[]> {
    return keptOf(await this.#run("forget", {}));
  }

  async #run(action: string, more: Script["variables"]): Promise<string> {
    const variables = { ACTION: action, ROOT: this.#host.spec.root, TENANT: this.#tenant, ...more };
    const answer = await runOn(this.#host, scriptText("restore-data").toString(), variables);
    if ("said" in answer) return answer.said;
    throw new CommandError(`Host ${this.#host.spec.id}: ${answer.failure}`);
  }
}

/** Reads `operation KiB`, a line each. */
const keptOf = (text: string): Kept[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(" "))
    .map(([operation = "", kib]) => ({ operation, bytes: Number(kib) * 1024 }));

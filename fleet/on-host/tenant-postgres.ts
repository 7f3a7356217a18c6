import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "./asked-host.ts";

/**
 * The Postgres that a tenant works on, as a restore changes it: by what backs the tenant up on its host, which has the way
 * there (components/host/backup.sh, sync-runtime/backup/postgres-place.ts). The tenant does not run meanwhile.
 */
export class TenantPostgres {
  readonly #host: AskedHost;
  readonly #variables: Script["variables"];

  constructor(host: AskedHost, stack: string, tenant: string) {
    this.#host = host;
    this.#variables = { STACK: stack, VERB: "database", TENANT: tenant };
  }

  /** Refuses where the dump of a fetched backup could not take the place of what it holds. Changes nothing. */
  requirePlaceable(folder: string): Promise<void> {
    return this.#run("placeable", { FOLDER: folder });
  }

  /** The same of what restore `before` set aside. */
  requireKept(before: string): Promise<void> {
    return this.#run("placeable", { BEFORE: before });
  }

  /** The dump comes into place and is added up; what was there is kept as of that operation. */
  place(folder: string, operation: string): Promise<void> {
    return this.#run("place", { FOLDER: folder, OPERATION: operation });
  }

  unplace(operation: string): Promise<void> {
    return this.#run("unplace", { OPERATION: operation });
  }

  /** What restore `before` set aside comes into place, and what is there is kept as of `operation`. */
  exchange(before: string, operation: string): Promise<void> {
    return this.#run("exchange", { BEFORE: before, OPERATION: operation });
  }

  /** Removes what those operations set aside. */
  forget(operations: readonly string[]): Promise<void> {
    return this.#run("forget", { OPERATION: operations.join(" ") });
  }

  async #run(act: string, more: Script["variables"]): Promise<void> {
    const answer = await runOn(this.#host, scriptText("backup").toString(), {
      ...this.#variables,
      ACT: act,
      ...more,
    });
    if ("failure" in answer) throw new CommandError(`Host ${this.#host.spec.id}: ${answer.failure}`);
  }
}

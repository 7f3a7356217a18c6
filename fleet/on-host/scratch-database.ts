import { postgresImage } from "../../components/host/postgres-image.ts";
import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "./asked-host.ts";
import { readVerified, type Verified } from "./backup-trial.ts";

/** Seconds after which one that was forgotten ends by itself. */
const life = 3600;

/**
 * A Postgres on a host, without a network, into which the dump of a fetched backup is restored
 * (components/host/scratch-database.sh). Whoever starts one removes it.
 */
export class ScratchDatabase {
  /** The container, whose loopback a scratch application joins. */
  readonly container: string;
  readonly #host: AskedHost;
  readonly #variables: Script["variables"];

  /**
   * @param name as the scratch application's that works on it
   * @param folder the fetched backup
   */
  constructor(host: AskedHost, stack: string, name: string, folder: string) {
    this.container = `owui-${stack}-scratch-${name}-database`;
    this.#host = host;
    this.#variables = { STACK: stack, NAME: name, FOLDER: folder, LIFE: life };
  }

  /** @param major of the Postgres that restores it: the one whose `pg_dump` dumped it, or a newer one */
  async restore(major: number): Promise<void> {
    await this.#run("start", { IMAGE: postgresImage(major) });
  }

  /** Adds every row up again; a difference is a DamagedBackupError. */
  async verify(): Promise<Verified> {
    return readVerified(await this.#run("verify", {}));
  }

  /** Safe to repeat. */
  async remove(): Promise<void> {
    await this.#run("remove", {});
  }

  async #run(action: string, more: Script["variables"]): Promise<string> {
    const variables = { ACTION: action, ...this.#variables, ...more };
    const answer = await runOn(this.#host, scriptText("scratch-database").toString(), variables);
    if ("said" in answer) return answer.said;
    throw new CommandError(`Host ${this.#host.spec.id}: ${answer.failure}`);
  }
}

import * as z from "zod";
import { type Script, scriptText } from "../../components/host/shell.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { type AskedHost, runOn } from "./asked-host.ts";
import type { SignedIn } from "./scratch-application.ts";

/** A backup in a folder that is what its manifest says. */
const Verified = z.object({
  tenant: z.string(),
  openWebui: z.string(),
  takenAt: z.string(),
  tables: z.number(),
  rows: z.number(),
  files: z.number(),
  bytes: z.number(),
});
export type Verified = z.infer<typeof Verified>;

const Verdict = z.union([
  z.object({ verified: Verified }),
  z.object({ compared: z.unknown() }),
  z.object({ problems: z.array(z.string()).min(1) }),
]);

/** A fetched backup is not what was backed up; `problems` names every difference. */
export class DamagedBackupError extends CommandError {
  override name = "DamagedBackupError";
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super([`${what}:`, ...problems.map((problem) => `      ${problem}`)].join("\n"));
    this.problems = problems;
  }
}

/** A backup that was fetched into a folder of a host. */
export class BackupTrial {
  readonly #host: AskedHost;
  readonly #variables: Script["variables"];
  readonly #folder: string;

  /** @param tenant whose backup it has to be */
  constructor(host: AskedHost, stack: string, tenant: string, folder: string) {
    this.#host = host;
    this.#folder = folder;
    this.#variables = { STACK: stack, TENANT: tenant, FOLDER: folder };
  }

  /** Computes everything anew that its manifest says; a difference is a {@link DamagedBackupError}. */
  async verify(): Promise<Verified> {
    return readVerified(await this.#run("verify"));
  }

  /** Refuses where the host's disk does not take the backup and a copy of it; of its size the latest one's tells. */
  async requireRoom(): Promise<void> {
    const status = `${this.#host.spec.root}/backup/status/${this.#variables.TENANT}.json`;
    await this.#run("room", { STATUS: status, TIMES: 2 });
  }

  /** Makes a copy that an application may write to; answers its data's folder. */
  async copy(): Promise<string> {
    await this.#run("copy");
    return `${this.#folder}/trial/data`;
  }

  /** Holds what an application showed of it against its manifest. */
  async compare(seen: SignedIn): Promise<void> {
    const verdict = read(await this.#run("compare", { SEEN: JSON.stringify(seen) }));
    if ("problems" in verdict)
      throw new DamagedBackupError("the application does not show what was backed up", verdict.problems);
  }

  async #run(action: string, more: Script["variables"] = {}): Promise<string> {
    const variables = { ACTION: action, ...this.#variables, ...more };
    const answer = await runOn(this.#host, scriptText("backup-trial").toString(), variables);
    if ("said" in answer) return answer.said;
    throw new CommandError(`Host ${this.#host.spec.id}: ${answer.failure}`);
  }
}

/** What was found of a backup; a difference is a {@link DamagedBackupError}. */
export function readVerified(text: string): Verified {
  const verdict = read(text);
  if ("verified" in verdict) return verdict.verified;
  const problems = "problems" in verdict ? verdict.problems : ["it was not looked at"];
  throw new DamagedBackupError("the backup is not what was backed up", problems);
}

function read(text: string): z.infer<typeof Verdict> {
  try {
    return Verdict.parse(JSON.parse(text));
  } catch (cause) {
    throw new CommandError("What looked at the backup said something that makes no sense.", { cause });
  }
}

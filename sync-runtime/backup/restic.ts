import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import * as z from "zod";
import { endOf } from "../host/child-end.ts";
import { BackupError, resticError, saysNoRepository, saysWrongPassphrase } from "./backup-error.ts";
import type { BackupConfig } from "./config.ts";
import { bucketOf } from "./s3-bucket.ts";
import { sshOptions } from "./ssh-options.ts";

/** Tag of what was stored to its end. Before that a snapshot has the other one, and nobody is offered it. */
export const TAG = "owui";
const UNFINISHED = "owui-unfinished";

/** Tag of what holds a dump of a Postgres; the others hold an SQLite file. */
export const POSTGRES_TAG = "database:postgres";

/** The one file of a snapshot. */
export const ARCHIVE = "backup.tar";

/** How long a command may take that moves little. */
const SHORT_MS = 180_000;
/** Of removing what is not needed any more, and of looking through a repository. */
const LONG_MS = 6 * 3_600_000;

/** A stored backup. */
export const Snapshot = z.object({
  id: z.string(),
  short_id: z.string(),
  time: z.string(),
  hostname: z.string(),
  tags: z.array(z.string()).nullish(),
  original: z.string().optional(),
});
export type Snapshot = z.infer<typeof Snapshot>;

/** What restic says at the end of a backup. */
const Summary = z.object({
  message_type: z.literal("summary"),
  snapshot_id: z.string(),
  data_added: z.number(),
  total_bytes_processed: z.number(),
});

/** What is told of one that ended well. */
export interface Stored {
  snapshot: string;
  bytes: number;
  addedBytes: number;
}

/** A repository of restic's: the one of a tenant. */
export class Restic {
  readonly #config: Pick<BackupConfig, "repository" | "directories">;
  readonly #tenant: string;
  readonly #passwordFile: string;

  /** @param passwordFile instead of the tenant's own */
  constructor(
    config: Pick<BackupConfig, "repository" | "directories">,
    tenant: string,
    passwordFile = join(config.directories.passwords, tenant),
  ) {
    this.#config = config;
    this.#tenant = tenant;
    this.#passwordFile = passwordFile;
  }

  /** Id of the repository; undefined where there is none. */
  async id(signal: AbortSignal): Promise<string | undefined> {
    const { repository } = this.#config;
    if (repository.kind === "folder") await this.#requireMark(repository);
    const look = () => this.#run(["cat", "config", "--no-lock"], signal);
    let outcome = await look();
    if (saysWrongPassphrase(outcome.complained) && (await this.#giveNew(signal))) outcome = await look();
    if (outcome.code === 0) return z.object({ id: z.string() }).parse(JSON.parse(outcome.said)).id;
    if (!saysNoRepository(outcome.complained)) throw this.#failure("cat", outcome);
    // To a question about one object some servers say so to a stranger, too: a list is refused with the reason.
    if (repository.kind === "s3") await (await bucketOf(repository)).list(this.#tenant, { most: 1 }, signal);
    return undefined;
  }

  /**
   * A tenant that was removed and came back has a new passphrase, and its repository the former one. Answers whether one of
   * those that it had opened it, and the new one does now.
   */
  async #giveNew(signal: AbortSignal): Promise<boolean> {
    const former = await readFile(`${this.#passwordFile}.former`, "utf8").catch(() => "");
    const args = ["key", "passwd", "--new-password-file", this.#passwordFile];
    for (const passphrase of former.split("\n").filter(Boolean).reverse())
      if ((await this.#run(args, signal, SHORT_MS, passphrase)).code === 0) return true;
    return false;
  }

  async create(signal: AbortSignal): Promise<void> {
    await this.#must(["init"], signal);
  }

  /** Locks that a killed run left. Whoever calls this is the only one that writes. */
  async unlock(signal: AbortSignal): Promise<void> {
    await this.#must(["unlock", "--remove-all"], signal);
  }

  /**
   * Stores an archive. It is not offered to anybody before {@link finish}: what ends early, of whatever, looks to restic like
   * an end.
   */
  async store(archive: AsyncIterable<Buffer>, time: Date, signal: AbortSignal): Promise<Stored> {
    const args = ["backup", "--stdin", "--stdin-filename", ARCHIVE, "--json"];
    const host = ["--host", this.#tenant, "--tag", UNFINISHED, "--time", resticTime(time)];
    const { child, ended } = await this.#start([...args, ...host], signal, "pipe");
    const input = child.stdin;
    if (!input) throw new Error("restic was started without an input");
    // That it ended is told by its exit.
    input.on("error", () => {});
    const over = new AbortController();
    input.once("close", () => over.abort());
    void ended.then(() => over.abort());
    const said = Promise.all([lastLines(child.stdout as Readable), lastLines(child.stderr as Readable)]);
    try {
      for await (const chunk of archive) {
        if (chunk.length === 0) continue;
        if (child.exitCode !== null || child.signalCode !== null || input.destroyed) break;
        // Until more can be written, or nobody reads any more.
        if (!input.write(chunk)) await once(input, "drain", { signal: over.signal }).catch(() => {});
      }
    } catch (error) {
      // Before its input ends: it would take that for all there is.
      child.kill("SIGKILL");
      await ended;
      throw error;
    }
    input.end();
    const [outcome, [out, complained]] = await Promise.all([ended, said]);
    signal.throwIfAborted();
    if (outcome !== "exit code 0") throw resticError("backup", `${complained}\n${out}`, outcome);
    const summary = out
      .split("\n")
      .map((line) => Summary.safeParse(parsed(line)).data)
      .findLast((summary) => summary !== undefined);
    if (!summary) throw new BackupError("restic-failed", "restic backup did not say what it had stored.");
    return {
      snapshot: summary.snapshot_id,
      bytes: summary.total_bytes_processed,
      addedBytes: summary.data_added,
    };
  }

  /** From now on a snapshot is one; answers the id that it has then, and how many there are. */
  async finish(
    snapshot: string,
    tags: readonly string[],
    signal: AbortSignal,
  ): Promise<{ snapshot: string; snapshots: number }> {
    const set = [TAG, ...tags].join(",");
    await this.#must(["tag", "--set", set, snapshot], signal);
    const all = await this.#snapshots(["--tag", TAG], signal);
    const finished = all.find(({ original }) => original?.startsWith(snapshot));
    if (!finished)
      throw new BackupError(
        "restic-failed",
        `Snapshot ${snapshot} is not there, although restic had stored it.`,
      );
    return { snapshot: finished.id, snapshots: all.length };
  }

  /** What can be read back, the latest last. */
  snapshots(signal: AbortSignal): Promise<Snapshot[]> {
    return this.#snapshots(["--tag", TAG], signal);
  }

  /** Removes what was not stored to its end. */
  async forgetUnfinished(signal: AbortSignal): Promise<void> {
    const left = await this.#snapshots(["--tag", UNFINISHED], signal);
    if (left.length > 0) await this.#must(["forget", ...left.map(({ id }) => id)], signal);
  }

  /** Removes what is older, but for the latest, and what nothing refers to any more. */
  async prune(keepSeconds: number, signal: AbortSignal): Promise<void> {
    const hours = `${Math.floor(keepSeconds / 3600)}h`;
    const args = ["forget", "--tag", TAG, "--group-by", "host", "--keep-within", hours, "--keep-last", "1"];
    await this.#must([...args, "--prune"], signal, LONG_MS);
  }

  /** Looks through the repository; with `data` reads all of it as well. */
  async check(data: boolean, signal: AbortSignal): Promise<void> {
    const outcome = await this.#run(
      ["check", "--no-lock", ...(data ? ["--read-data"] : [])],
      signal,
      LONG_MS,
    );
    if (outcome.code === 0) return;
    const failure = this.#failure("check", outcome);
    throw failure.code === "restic-failed" ? new BackupError("repository-damaged", failure.message) : failure;
  }

  /** The archive of a snapshot. Its end is only told by what it says of itself, and by this not throwing. */
  async *read(snapshot: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { child, ended } = await this.#start(["dump", "--no-lock", snapshot, ARCHIVE], signal, "ignore");
    const complained = lastLines(child.stderr as Readable);
    try {
      for await (const chunk of child.stdout as Readable) yield chunk as Buffer;
    } finally {
      // Whoever wants no more of it has it ended.
      if (child.exitCode === null && child.stdout?.destroyed) child.kill("SIGKILL");
    }
    const outcome = await ended;
    signal.throwIfAborted();
    if (outcome !== "exit code 0") throw resticError("dump", await complained, outcome);
  }

  async #snapshots(filter: string[], signal: AbortSignal): Promise<Snapshot[]> {
    const said = await this.#must(["snapshots", "--json", "--no-lock", ...filter], signal);
    const all = z.array(Snapshot).parse(JSON.parse(said) ?? []);
    return all.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  }

  /** A folder is looked for before a repository is: in an empty place where a disk should be there is none. */
  async #requireMark({ path, mark }: { path: string; mark: string }): Promise<void> {
    const found = await readFile(join(path, ".owui-backups"), "utf8").catch((cause) => {
      throw new BackupError(
        "repository-away",
        `${path}/.owui-backups cannot be read (${cause.code}): the disk that is to hold the backups is not mounted.`,
        { cause },
      );
    });
    if (found.trim() !== mark)
      throw new BackupError(
        "repository-away",
        `${path} holds the backups of ${JSON.stringify(found.trim().slice(0, 100))} and not of ${mark}.`,
      );
  }

  async #must(args: string[], signal: AbortSignal, milliseconds = SHORT_MS): Promise<string> {
    const outcome = await this.#run(args, signal, milliseconds);
    if (outcome.code !== 0) throw this.#failure(args[0] ?? "", outcome);
    return outcome.said;
  }

  #failure(command: string, { code, said, complained }: Outcome): BackupError {
    return resticError(command, complained.trim() || said, `exit code ${code}`);
  }

  async #run(
    args: string[],
    signal: AbortSignal,
    milliseconds = SHORT_MS,
    passphrase?: string,
  ): Promise<Outcome> {
    const late = AbortSignal.timeout(milliseconds);
    const ending = AbortSignal.any([signal, late]);
    const { child, ended } = await this.#start(args, ending, "ignore", passphrase);
    const [said, complained] = await Promise.all([
      text(child.stdout as Readable),
      lastLines(child.stderr as Readable),
    ]);
    await ended;
    signal.throwIfAborted();
    if (late.aborted)
      throw complained.trim() === ""
        ? new BackupError("repository-away", `The repository said nothing for ${milliseconds / 1000} s.`)
        : resticError(args[0] ?? "", complained, `no end after ${milliseconds / 1000} s`);
    return { code: child.exitCode, said, complained };
  }

  async #start(
    args: string[],
    signal: AbortSignal,
    stdin: "pipe" | "ignore",
    passphrase?: string,
  ): Promise<{ child: ChildProcess; ended: Promise<string> }> {
    const child = spawn("restic", [...this.#options(), ...args], {
      ...{ cwd: "/", stdio: [stdin, "pipe", "pipe"], signal, killSignal: "SIGKILL" },
      env: await this.#environment(passphrase),
    });
    return { child, ended: endOf(child) };
  }

  #options(): string[] {
    const { repository } = this.#config;
    if (repository.kind !== "sftp") return [];
    const { address, port, user } = repository;
    // restic splits it at spaces; none of these holds any.
    const command = [
      "ssh",
      "-F",
      "none",
      ...sshOptions(repository),
      "-p",
      String(port),
      `${user}@${address}`,
      "-s",
      "sftp",
    ];
    return ["-o", `sftp.command=${command.join(" ")}`];
  }

  /** Keys and passphrase go by files and the environment: everybody reads argv. */
  async #environment(passphrase?: string): Promise<NodeJS.ProcessEnv> {
    const { repository, directories } = this.#config;
    return {
      PATH: process.env.PATH,
      HOME: directories.state,
      TMPDIR: join(directories.state, "tmp"),
      TZ: "UTC",
      // One processor at most: tenants are served meanwhile.
      GOMAXPROCS: "1",
      RESTIC_CACHE_DIR: join(directories.state, "cache"),
      ...(passphrase === undefined
        ? { RESTIC_PASSWORD_FILE: this.#passwordFile }
        : { RESTIC_PASSWORD: passphrase }),
      RESTIC_REPOSITORY: repositoryUrl(repository, this.#tenant),
      RESTIC_PROGRESS_FPS: "0.01",
      ...(repository.kind === "s3"
        ? {
            AWS_ACCESS_KEY_ID: repository.keyId,
            AWS_SECRET_ACCESS_KEY: await keyOf(repository.keyFile),
            AWS_DEFAULT_REGION: repository.region,
          }
        : {}),
    };
  }
}

interface Outcome {
  code: number | null;
  said: string;
  complained: string;
}

/** A tenant's repository in restic's words. */
export function repositoryUrl(repository: BackupConfig["repository"], tenant: string): string {
  switch (repository.kind) {
    case "folder":
      return `${repository.path}/${tenant}`;
    case "s3":
      return `s3:${[repository.endpoint, repository.bucket, repository.prefix, tenant].filter(Boolean).join("/")}`;
    case "sftp":
      return `sftp:${repository.user}@${repository.address}:${repository.path}/${tenant}`;
  }
}

const keyOf = async (file: string): Promise<string> => (await readFile(file, "utf8")).trim();

/** As `--time` takes it, in UTC as the container's clock. */
const resticTime = (time: Date): string => time.toISOString().slice(0, 19).replace("T", " ");

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The end of what a stream says: at its end stands what counts. */
async function lastLines(stream: Readable): Promise<string> {
  let kept = "";
  for await (const chunk of stream.setEncoding("utf8")) kept = (kept + chunk).slice(-16 * 1024);
  return kept;
}

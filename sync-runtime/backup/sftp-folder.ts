import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { BackupError, resticError } from "./backup-error.ts";
import { type SftpRepository, sshOptions } from "./ssh-options.ts";

/** Something in a folder behind sftp. */
export interface SftpEntry {
  path: string;
  folder: boolean;
  bytes: number;
}

/** restic's folders lie in each other three deep. */
const deepest = 16;

/** A tenant's folder on a server of the operator's, by OpenSSH's own client: such a server may offer no shell. */
export class SftpFolder {
  readonly #repository: SftpRepository;
  readonly #top: string;

  constructor(repository: SftpRepository, tenant: string) {
    this.#repository = repository;
    this.#top = `${repository.path}/${tenant}`;
  }

  /** Everything in it, itself first, what lies in a folder behind it; nothing where it is not there. */
  async list(signal: AbortSignal): Promise<SftpEntry[]> {
    const folderOf = this.#top.slice(0, this.#top.lastIndexOf("/")) || "/";
    const name = this.#top.slice(folderOf.length).replace(/^\//, "");
    // What it lies in has to be there: of one that is not mounted nothing is known.
    const [around = []] = await this.#looked([folderOf], signal);
    const top = around.find(({ path }) => path.endsWith(`/${name}`));
    if (!top) return [];
    const found: SftpEntry[] = [{ ...top, path: this.#top }];
    let folders = top.folder ? [this.#top] : [];
    for (let depth = 0; folders.length > 0; depth += 1) {
      if (depth > deepest)
        throw new BackupError("repository-damaged", `${this.#top} is deeper than any repository.`);
      const inside = (await this.#looked(folders, signal)).flat();
      found.push(...inside);
      folders = inside.filter(({ folder }) => folder).map(({ path }) => path);
    }
    return found;
  }

  /** Removes what was listed, what lies in a folder before it. */
  async remove(entries: readonly SftpEntry[], signal: AbortSignal): Promise<void> {
    const commands = entries
      .toReversed()
      .map(({ path, folder }) => `${folder ? "rmdir" : "rm"} ${quoted(path)}`);
    const { code, complained } = await this.#run(commands, signal);
    if (code === 0) return;
    const failure = resticError("sftp", complained, `exit code ${code}`);
    if (code === 255 || failure.code === "repository-away") throw failure;
    throw new BackupError("deletion-refused", `The server refuses to delete: ${lastLine(complained)}`);
  }

  /** What lies in each of some folders. */
  async #looked(folders: readonly string[], signal: AbortSignal): Promise<SftpEntry[][]> {
    const { code, said, complained } = await this.#run(
      folders.map((path) => `ls -lan ${quoted(path)}`),
      signal,
    );
    if (code !== 0) throw resticError("sftp", complained, `exit code ${code}`);
    return readLists(said, folders);
  }

  /** One connection; the first command that fails ends it. */
  async #run(
    commands: readonly string[],
    signal: AbortSignal,
  ): Promise<{ code: number | null; said: string; complained: string }> {
    const { address, port, user } = this.#repository;
    const options = [
      "-o",
      "LogLevel=ERROR",
      "-F",
      "none",
      ...sshOptions(this.#repository),
      "-P",
      String(port),
    ];
    const host = address.includes(":") ? `[${address}]` : address;
    const child = spawn("sftp", [...options, "-b", "-", `${user}@${host}`], {
      ...{ stdio: ["pipe", "pipe", "pipe"], cwd: "/", signal, killSignal: "SIGKILL" },
      env: { PATH: process.env.PATH, LC_ALL: "C" },
    });
    child.stdin.on("error", () => {});
    child.stdin.end(`${commands.join("\n")}\n`);
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    const [code, said, complained] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    signal.throwIfAborted();
    return { code, said, complained };
  }
}

/** One word for sftp, which takes `*` for itself only outside of quotes. */
function quoted(path: string): string {
  if (/[\n\r\0]/.test(path))
    throw new BackupError("repository-damaged", "A name in the folder has two lines.");
  return `"${path.replace(/["\\]/g, "\\$&")}"`;
}

const ENTRY = /^([-dlpscb])\S{9,10} +\S+ +\S+ +\S+ +(\d+) +\w+ +\d+ +[\d:]+ (.*)$/;

/** What sftp printed behind each of its commands, which it repeats. Pure. */
export function readLists(said: string, folders: readonly string[]): SftpEntry[][] {
  const lists: SftpEntry[][] = [];
  for (const line of said.split("\n")) {
    if (line.startsWith("sftp> ")) lists.push([]);
    const [, kind, bytes, shown = ""] = ENTRY.exec(line) ?? [];
    const name = shown.slice(shown.lastIndexOf("/") + 1);
    if (kind === undefined || name === "." || name === "..") continue;
    const folder = folders[lists.length - 1]?.replace(/\/$/, "");
    lists
      .at(-1)
      ?.push({ path: `${folder}/${name}`, folder: kind === "d", bytes: kind === "-" ? Number(bytes) : 0 });
  }
  if (lists.length !== folders.length)
    throw new BackupError("restic-failed", `sftp listed ${lists.length} folders of ${folders.length}.`);
  return lists;
}

const lastLine = (said: string): string =>
  (said.split("\n").findLast((line) => line.trim() !== "") ?? "it did not say why").trim().slice(0, 500);

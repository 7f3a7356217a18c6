import { randomBytes } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { RestoreError } from "./restore-error.ts";

/** Files that SQLite keeps beside a database, and would take for those of a new one of the same name. */
const COMPANIONS = ["-wal", "-shm", "-journal"];

/**
 * A file that appears under its name only when it is whole. Until {@link publish} it lies beside it under another,
 * which says what it is; ending without that removes it.
 */
export class Target implements Disposable {
  /** Where it is made. */
  readonly path: string;
  readonly #name: string;
  readonly #force: boolean;
  /** A program that is told to end removes what it began, too. */
  readonly #remove = () => {
    for (const suffix of ["", ...COMPANIONS]) rmSync(this.path + suffix, { force: true });
  };

  /** Makes the empty file; nobody but its owner can read it. */
  constructor(name: string, force: boolean) {
    this.#name = name;
    this.#force = force;
    refuseCompanions(name);
    if (existsSync(name) && !force) throw taken(name);
    this.path = join(dirname(name), `.${basename(name)}.${randomBytes(6).toString("hex")}.restoring`);
    process.once("exit", this.#remove);
    try {
      closeSync(openSync(this.path, "wx", 0o600));
    } catch (cause) {
      throw new RestoreError(
        "target-unusable",
        `${name} cannot be made: ${(cause as Error).message}. Nothing was changed. Name a file in a directory that is there and that you may write to.`,
        { cause },
      );
    }
  }

  /** Gives the file its name, once its bytes are on the disk. */
  publish(): void {
    sync(this.path);
    refuseCompanions(this.#name);
    if (this.#force) renameSync(this.path, this.#name);
    else this.#link();
    sync(dirname(this.#name));
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }

  /** Unlike a rename, a link never takes the place of a file that came meanwhile. */
  #link(): void {
    try {
      linkSync(this.path, this.#name);
    } catch (cause) {
      throw (cause as NodeJS.ErrnoException).code === "EEXIST" ? taken(this.#name, cause) : cause;
    }
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function refuseCompanions(name: string): void {
  const found = COMPANIONS.map((suffix) => name + suffix).filter((path) => existsSync(path));
  if (found.length > 0)
    throw new RestoreError(
      "target-exists",
      `${found.join(" and ")} belongs to another database, which SQLite would mix with the restored one. ` +
        "Nothing was changed. Stop whatever uses that database and move these files away, or choose another name.",
    );
}

const taken = (name: string, cause?: unknown): RestoreError =>
  new RestoreError(
    "target-exists",
    `${name} exists already. Nothing was changed. Choose another name, or say --force to have it replaced.`,
    { cause },
  );

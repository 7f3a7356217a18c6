import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * A fake's state in one JSON file, so that a restart forgets nothing. The file is replaced as a whole and readable by
 * its owner alone: it holds user-data.
 */
export class StateFile<T> {
  readonly state: T;
  readonly #path: string | undefined;

  /** Without a path the state lives and dies with the process. */
  constructor(path: string | undefined, empty: T) {
    this.#path = path;
    this.state = { ...empty, ...this.#read() };
  }

  #read(): Partial<T> {
    if (this.#path === undefined) return {};
    try {
      return JSON.parse(readFileSync(this.#path, "utf8")) as Partial<T>;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      throw new Error(
        `${this.#path} is not a fake's state: ${(error as Error).message}. Nothing was changed. Move the file away to begin with an empty cloud.`,
        { cause: error },
      );
    }
  }

  save(): void {
    if (this.#path === undefined) return;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const fresh = `${this.#path}.new`;
    writeFileSync(fresh, JSON.stringify(this.state, undefined, 1), { mode: 0o600 });
    renameSync(fresh, this.#path);
  }
}

import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

/** A file of the spool, open, gone when it is disposed of. */
export interface SpoolFile extends AsyncDisposable {
  readonly path: string;
  readonly fd: number;
}

/**
 * Where snapshots wait on the agent's own disk until they were sent, so that a slow network never holds a tenant's
 * transaction. Nothing in it outlives its request: {@link clear} removes what a killed agent left.
 */
export class Spool {
  readonly #directory: string;

  constructor(state: string) {
    this.#directory = join(state, "spool");
  }

  async clear(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await mkdir(this.#directory, { mode: 0o700 });
  }

  async create(name: string): Promise<SpoolFile> {
    const path = join(this.#directory, name);
    const file = await open(path, "wx+", 0o600);
    return {
      path,
      fd: file.fd,
      async [Symbol.asyncDispose]() {
        await rm(path, { force: true });
        await file.close();
      },
    };
  }
}

import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** A store that is being written; gone when it is disposed of, unless it was kept. */
export interface NewStore extends AsyncDisposable {
  readonly fd: number;
  /** Makes sure that the disk has it, before a record speaks of it. */
  keep(): Promise<void>;
}

const SUFFIX = ".store";

/**
 * What the snapshots were made of that tenants' replicas hold or may hold: a file per tenant and sync, written by one
 * reader and read by a later one. A record names the stores that count; all others are left over.
 */
export class Stores {
  readonly #directory: string;

  constructor(state: string) {
    this.#directory = join(state, "stores");
  }

  /**
   * Makes the directory ready, and removes what no record speaks of.
   * @param namedBy the syncs that a tenant's record names
   */
  async prepare(namedBy: (tenant: string) => Promise<string[]>): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const tenants = new Set((await readdir(this.#directory)).map((name) => name.split(".")[0] as string));
    for (const tenant of tenants) await this.tidy(tenant, await namedBy(tenant));
  }

  async create(tenant: string, sync: string): Promise<NewStore> {
    const path = this.#path(tenant, sync);
    const file = await open(path, "wx", 0o600);
    const directory = this.#directory;
    let isKept = false;
    return {
      fd: file.fd,
      async keep() {
        await file.sync();
        const entry = await open(directory, "r");
        await entry.sync().finally(() => entry.close());
        isKept = true;
      },
      async [Symbol.asyncDispose]() {
        await file.close();
        if (!isKept) await rm(path, { force: true });
      },
    };
  }

  /** A store for reading; undefined when it was lost. */
  open(tenant: string, sync: string): Promise<FileHandle | undefined> {
    return open(this.#path(tenant, sync), constants.O_RDONLY).catch(() => undefined);
  }

  /** Removes a tenant's stores except those of the given syncs. */
  async tidy(tenant: string, syncs: readonly string[]): Promise<void> {
    const kept = new Set(syncs.map((sync) => `${tenant}.${sync}${SUFFIX}`));
    for (const name of await readdir(this.#directory))
      if (name.startsWith(`${tenant}.`) && !kept.has(name))
        await rm(join(this.#directory, name), { force: true });
  }

  #path = (tenant: string, sync: string): string => join(this.#directory, `${tenant}.${sync}${SUFFIX}`);
}

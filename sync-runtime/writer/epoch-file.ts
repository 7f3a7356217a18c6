import { open, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The highest epoch under which a tenant was written, kept over restarts: what an older claim still sends is void. */
export class EpochFile {
  readonly #path: string;

  /** @param state the writer's state directory */
  constructor(state: string, tenant: string) {
    this.#path = join(state, `${tenant}.epoch`);
  }

  /** 0 before the first. A file that cannot be read is an error: without it an older claim could write. */
  async read(): Promise<bigint> {
    const text = await readFile(this.#path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "0";
      throw error;
    });
    return BigInt(text);
  }

  /** Raises it, on disk when this resolves; after a crash the file is the old one or the new one. */
  async raise(epoch: bigint): Promise<void> {
    const draft = `${this.#path}.draft`;
    const file = await open(draft, "w", 0o600);
    try {
      await file.writeFile(`${epoch}`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
    const directory = await open(dirname(this.#path), "r");
    await directory.sync().finally(() => directory.close());
  }
}

import { readFile, rename, writeFile } from "node:fs/promises";
import * as z from "zod";

/** A file that was copied. */
const Copied = z.object({
  /** How the source's looked; empty where it changed while it was read. */
  stamp: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.number(),
});
export type Copied = z.infer<typeof Copied>;

const Lines = z.array(z.tuple([z.string(), Copied]));

/** What was copied by the passes before; one that was cut off is only a pass that copies more. */
export class Ledger {
  readonly #file: string;
  readonly files: Map<string, Copied>;

  private constructor(file: string, files: Map<string, Copied>) {
    this.#file = file;
    this.files = files;
  }

  static async open(file: string): Promise<Ledger> {
    const text = await readFile(file, "utf8").catch(() => "");
    try {
      const lines = Lines.parse(
        text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line)),
      );
      return new Ledger(file, new Map(lines));
    } catch {
      return new Ledger(file, new Map());
    }
  }

  async save(): Promise<void> {
    const lines = [...this.files].map((line) => `${JSON.stringify(line)}\n`);
    await writeFile(`${this.#file}.staged`, lines.join(""));
    await rename(`${this.#file}.staged`, this.#file);
  }
}

import { createHash } from "node:crypto";
import * as z from "zod";

const sum = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();

/** `manifest.json` of a backup: what has to be found in it again. An interface: it is read years later. */
export const Manifest = z.object({
  format: z.literal(1),
  tenant: z.string(),
  /** Of the data directory's identity file; null where it had none. */
  identity: z.string().nullable(),
  /** `v0.11.3` */
  openWebui: z.string(),
  takenAt: z.iso.datetime(),
  database: z.object({
    bytes: count,
    sha256: sum,
    /** As protocol/table-sum.ts adds rows up. */
    tables: z.record(z.string(), z.object({ rows: count, sum })),
  }),
  /** `sha256`: see {@link FileList.digest}. */
  files: z.object({ count, bytes: count, sha256: sum }),
  /** The tenant's entry as it was applied, without what is secret in it. */
  entry: z.record(z.string(), z.unknown()),
});
export type Manifest = z.infer<typeof Manifest>;

/** The files of `data/` and `config/`, by their paths below the backup. */
export class FileList {
  readonly #files = new Map<string, { sha256: string; bytes: number }>();

  /** One that is there already is replaced. */
  set(path: Buffer, sha256: string, bytes: number): void {
    this.#files.set(path.toString("latin1"), { sha256, bytes });
  }

  /**
   * sha256 over the lines `sha256  path`, each ended by a line feed, in the order of their paths' bytes: what
   * `sha256sum` prints of them.
   */
  get digest(): Manifest["files"] {
    const paths = [...this.#files.keys()].sort((a, b) => (a < b ? -1 : Number(a > b)));
    const hash = createHash("sha256");
    let bytes = 0;
    for (const path of paths) {
      const file = this.#files.get(path);
      if (!file) continue;
      bytes += file.bytes;
      hash.update(`${file.sha256}  `).update(Buffer.from(path, "latin1")).update("\n");
    }
    return { count: paths.length, bytes, sha256: hash.digest("hex") };
  }
}

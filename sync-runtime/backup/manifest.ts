import * as z from "zod";
import { filesDigest } from "../host/files-digest.ts";
import { BackupManifest } from "../protocol/backup-manifest.ts";

/** `manifest.json` of a backup, as it is written. */
export const Manifest = BackupManifest.and(
  z.object({
    /** The tenant's entry as it was applied, without what is secret in it. */
    entry: z.record(z.string(), z.unknown()),
  }),
);
export type Manifest = z.infer<typeof Manifest>;

/** The files of `data/` and `config/`, by their paths below the backup. */
export class FileList {
  readonly #files = new Map<string, { sha256: string; bytes: number }>();

  /** One that is there already is replaced. */
  set(path: Buffer, sha256: string, bytes: number): void {
    this.#files.set(path.toString("latin1"), { sha256, bytes });
  }

  /** How many, how large, and their {@link filesDigest}. */
  get digest(): Manifest["files"] {
    const files = [...this.#files].map(([path, file]) => ({ path, ...file }));
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { count: files.length, bytes, sha256: filesDigest(files) };
  }
}

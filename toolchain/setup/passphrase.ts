import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataHome } from "./paths.mjs";

/** The file Pulumi reads the passphrase from: no argument list and no environment ever holds it. */
export const passphraseFile = join(dataHome, "passphrase");

/** Makes the passphrase that every secret of the stacks is encrypted with, once and for ever. */
export async function ensurePassphrase(): Promise<void> {
  await mkdir(dataHome, { recursive: true, mode: 0o700 });
  try {
    await writeFile(passphraseFile, `${randomBytes(32).toString("base64url")}\n`, {
      flag: "wx",
      mode: 0o600,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

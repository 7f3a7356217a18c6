import { createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dataHome } from "./paths.mjs";
import { SetupError } from "./problem.mjs";

/** The file Pulumi reads the passphrase from: no argument list and no environment ever holds it. */
export const passphraseFile = join(dataHome, "passphrase");

/** May hold the passphrase where the data home has none yet: for machines that begin empty, such as a workflow's. */
const passphraseVariable = "OWUI_PASSPHRASE";

/**
 * Makes the passphrase that every secret of the stacks is encrypted with, once and for ever.
 * @param salt of secrets that are there already: only their own passphrase will do then
 * @param ask for one; without it a missing one is a problem
 */
export async function ensurePassphrase(salt?: string, ask?: () => Promise<string>): Promise<void> {
  await mkdir(dataHome, { recursive: true, mode: 0o700 });
  const kept = await readFile(passphraseFile, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  const given = process.env[passphraseVariable] || undefined;
  // Nothing that is started from here needs to know it.
  delete process.env[passphraseVariable];
  const passphrase = kept ?? given ?? (salt && (await ask?.()));
  if (salt && !(passphrase && opens(salt, passphrase))) throw shut(Boolean(passphrase));
  if (kept !== undefined) return;
  const fresh = passphrase?.trim() || randomBytes(32).toString("base64url");
  await writeFile(passphraseFile, `${fresh}\n`, { flag: "wx", mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
}

/**
 * Whether a passphrase is the one that a stack's salt was made with. Pulumi writes `v1:<salt>:v1:<nonce>:<word>`, where
 * the word is encrypted with what PBKDF2 makes of passphrase and salt in a million rounds.
 */
export function opens(salt: string, passphrase: string): boolean {
  const [outer, own = "", inner, nonce = "", word = ""] = salt.split(":");
  if (outer !== "v1" || inner !== "v1") return true; // a form that only Pulumi itself can judge
  const key = pbkdf2Sync(passphrase.trim(), Buffer.from(own, "base64"), 1_000_000, 32, "sha256");
  const sealed = Buffer.from(word, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    return plain.toString() === "pulumi";
  } catch {
    return false;
  }
}

const shut = (there: boolean) =>
  new SetupError([
    {
      what: there
        ? `The passphrase of this machine (${passphraseFile}) is not the one of this stack's secrets.`
        : "This machine does not have the passphrase of this stack's secrets.",
      why: "They were encrypted elsewhere, and nothing can be read or changed without it.",
      remedy: [
        `Bring the file passphrase from the data home where the stack was made to ${passphraseFile}, put its content`,
        `into ${passphraseVariable} once, or use the recovery kit (docs/recovery.md).`,
        ...(there ? ["Stacks of another passphrase want a data home of their own: OWUI_HOME."] : []),
      ].join(" "),
    },
  ]);

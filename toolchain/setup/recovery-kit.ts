import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import * as z from "zod";
import { dataHome, stackFolder } from "./paths.mjs";
import { SetupError } from "./problem.mjs";

/** What it takes to operate a stack again whose state was lost, tenants' data and replicas aside. */
const Kit = z.strictObject({
  stack: z.string(),
  /** ISO 8601. */
  written: z.string(),
  /** Opens the secrets of state and config. */
  passphrase: z.string().min(1),
  /** The operator's file, and the one that runs used, which has the salt of the secrets. */
  source: z.string(),
  effective: z.string(),
  /** As `pulumi stack export` writes it: secrets stay encrypted. */
  state: z.string().startsWith("{"),
  /** Where the kit is written at every `up`. */
  to: z.string(),
  /** What opens the place of the state, where that is not the data home. */
  credentials: z.string().optional(),
});
export type Kit = z.infer<typeof Kit>;

/** A kit as it lies on a disk: all but the stack's name and the time can be read with the key alone. */
const Sealed = z.strictObject({
  format: z.literal("open-webui-infrastructure recovery kit 1"),
  stack: z.string(),
  written: z.string(),
  iv: z.base64(),
  tag: z.base64(),
  data: z.base64(),
});

/** Where the key lies on the machine that writes kits. A copy of it has to be elsewhere. */
export const keyFile = join(dataHome, "recovery-key");

/** The key of this data home's kits: 32 random bytes, base64url, made once. */
export async function ensureKey(): Promise<string> {
  await mkdir(dataHome, { recursive: true, mode: 0o700 });
  const fresh = randomBytes(32).toString("base64url");
  await writeFile(keyFile, `${fresh}\n`, { flag: "wx", mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
  return (await readFile(keyFile, "utf8")).trim();
}

const unusable = (what: string, remedy: string, cause?: unknown) =>
  Object.assign(
    new SetupError([{ what, why: "Only a whole kit with its own key brings a state back.", remedy }]),
    {
      cause,
    },
  );

const bytesOf = (key: string): Buffer => {
  const bytes = Buffer.from(key.trim(), "base64url");
  if (bytes.length === 32) return bytes;
  throw unusable(
    "The key of the recovery kit is not 43 characters long.",
    "Give the file that holds it and nothing else: --key-file <path>, or - for standard input.",
  );
};

/** The text of a kit's file; AES-256-GCM, so that a changed byte is seen. */
export function seal(kit: Kit, key: string): string {
  const { stack, written } = kit;
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", bytesOf(key), iv);
  cipher.setAAD(Buffer.from(JSON.stringify([stack, written])));
  const data = Buffer.concat([cipher.update(gzipSync(JSON.stringify(kit))), cipher.final()]);
  const sealed: z.infer<typeof Sealed> = {
    format: "open-webui-infrastructure recovery kit 1",
    ...{ stack, written, iv: iv.toString("base64"), tag: cipher.getAuthTag().toString("base64") },
    data: data.toString("base64"),
  };
  return `${JSON.stringify(sealed, undefined, 1)}\n`;
}

/** A kit's contents, or why it cannot be used. */
export function unseal(text: string, key: string): Kit {
  const sealed = sealedOf(text);
  const decipher = createDecipheriv("aes-256-gcm", bytesOf(key), Buffer.from(sealed.iv, "base64"));
  decipher.setAAD(Buffer.from(JSON.stringify([sealed.stack, sealed.written])));
  decipher.setAuthTag(Buffer.from(sealed.tag, "base64"));
  try {
    const data = Buffer.concat([decipher.update(Buffer.from(sealed.data, "base64")), decipher.final()]);
    return Kit.parse(JSON.parse(gunzipSync(data).toString()));
  } catch (cause) {
    throw unusable(
      `The recovery kit of stack ${sealed.stack}, written at ${sealed.written}, does not open with this key, or was changed.`,
      "Give the key that `npm run recovery -- key` showed on the machine that wrote it, or another copy of the kit.",
      cause,
    );
  }
}

function sealedOf(text: string): z.infer<typeof Sealed> {
  try {
    return Sealed.parse(JSON.parse(text));
  } catch (cause) {
    throw unusable(
      "The file is no recovery kit, or not a whole one.",
      "Name the file that `npm run recovery` wrote.",
      cause,
    );
  }
}

/** What a stack remembers of its kit. */
const Remembered = z.object({ to: z.string() });
const rememberedFile = (stack: string): string => join(stackFolder(stack), "recovery.json");

/** Where a stack's kit goes; undefined where none was ever asked for. */
export async function kitFile(stack: string): Promise<string | undefined> {
  const text = await readFile(rememberedFile(stack), "utf8").catch(() => undefined);
  return text === undefined ? undefined : Remembered.parse(JSON.parse(text)).to;
}

/** Has every later `up` write the kit there. */
export async function rememberKit(stack: string, to: string): Promise<void> {
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  await writeFile(rememberedFile(stack), JSON.stringify({ to }), { mode: 0o600 });
}

/** Writes a kit's file whole or not at all: an older one stays until the new one is there. */
export async function writeKit(to: string, text: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const fresh = `${to}.new`;
  await writeFile(fresh, text, { mode: 0o600 });
  await rename(fresh, to);
}

import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { Invocation } from "../../toolchain/commands/invocation.ts";
import type { StackFile } from "../../toolchain/setup/effective-config.ts";
import { dataHome } from "../../toolchain/setup/paths.mjs";
import { CommandError } from "../../toolchain/setup/problem.mjs";
import { valueAt } from "../config-edit/edited.ts";
import { pulumiOf } from "../driver.ts";

/** A secret as a stack's file holds it. */
export interface Encrypted {
  /** `{secure: v1:…}` */
  value: unknown;
  /** What the ciphertexts of the file belong to; absent where the file needs none. */
  salt?: string | undefined;
}

/** Encrypts a value for a place in a stack's file, by Pulumi, on a copy. It travels by standard input alone. */
export async function encrypted(
  invocation: Invocation,
  file: string,
  path: readonly string[],
  value: string,
): Promise<Encrypted> {
  const folder = await mkdtemp(join(dataHome, "encrypt-"));
  try {
    const copy = join(folder, "stack.yaml");
    await copyFile(file, copy);
    const place = path.map((key, index) => (index === 0 ? key : `["${key}"]`)).join("");
    const { code, stdout, stderr } = await pulumiOf(
      { ...invocation, configFile: copy },
      ["config", "set", "--secret", "--path", place],
      value,
    );
    if (code !== 0)
      throw new CommandError(`The value of ${path.at(-1)} could not be encrypted:\n${stderr || stdout}`);
    const text = await readFile(copy, "utf8");
    const { encryptionsalt } = (parse(text) ?? {}) as StackFile;
    return { value: valueAt(text, path), salt: encryptionsalt };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { repository, stackFolder } from "./paths.mjs";
import { SetupError } from "./problem.mjs";
import { project } from "./stack-state.ts";

/** A stack's file as Pulumi reads it. */
export interface StackFile {
  encryptionsalt?: string;
  config?: Record<string, unknown>;
}

/** A config by its bare keys; Pulumi's CLI writes the project's name before them, people do not. */
export const plainKeys = (config: Record<string, unknown> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(`${project}:`, ""), value]));

/** The operator's file of a stack, in the checkout unless another is named. */
export const sourceFile = (stack: string, named?: string): string =>
  named ?? join(repository, `Pulumi.${stack}.yaml`);

/** The file a run uses instead, in the data home: Pulumi writes into it, and a run must not dirty the checkout. */
export const effectiveFile = (stack: string): string => join(stackFolder(stack), `Pulumi.${stack}.yaml`);

/** Reads the operator's file. */
export async function readSource(file: string): Promise<StackFile> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined)
    throw unreadable(`There is no ${file}.`, "Name a stack that has one (--stack), or write it.");
  try {
    return (parse(text) ?? {}) as StackFile;
  } catch (error) {
    const [what = ""] = (error as Error).message.split("\n");
    throw unreadable(`${file} is not YAML: ${what}`, "Correct it; indentation is two spaces a level.");
  }
}

const unreadable = (what: string, remedy: string) =>
  new SetupError([{ what, why: "It declares the fleet.", remedy }]);

/**
 * What a run uses: the operator's config, `overrides` on top, and the salt that belongs to its secrets: the
 * operator's if the file has one, else the one Pulumi made for an earlier run.
 */
export const effectiveConfig = (
  source: StackFile,
  earlier: StackFile,
  overrides: Record<string, unknown>,
): StackFile => {
  const encryptionsalt = source.encryptionsalt ?? earlier.encryptionsalt;
  return { ...(encryptionsalt && { encryptionsalt }), config: { ...plainKeys(source.config), ...overrides } };
};

/** As YAML for the engine, which reads 1.1: there a day, an hour or a yes without quotes is no text. */
export const effectiveText = (config: StackFile): string => stringify(config, { version: "1.1" });

/** Writes the file a run uses; answers its path. */
export async function writeEffective(
  stack: string,
  source: StackFile,
  overrides: Record<string, unknown>,
): Promise<string> {
  const file = effectiveFile(stack);
  await mkdir(stackFolder(stack), { recursive: true, mode: 0o700 });
  const earlier = (parse(await readFile(file, "utf8").catch(() => "")) ?? {}) as StackFile;
  const text = effectiveText(effectiveConfig(source, earlier, overrides));
  const fresh = `${file}.${process.pid}`;
  await writeFile(
    fresh,
    `# Written by every run from Pulumi.${stack}.yaml of the checkout: edit that one.\n${text}`,
    {
      mode: 0o600,
    },
  );
  await rename(fresh, file);
  return file;
}

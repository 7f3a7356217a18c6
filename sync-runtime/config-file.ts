import { readFile } from "node:fs/promises";
import type * as z from "zod";

/** A config file cannot be used. The program does not start; the tenants go on running. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads a program's config, or says everything that is wrong with it.
 * @param what it has to be: `an agent's config`
 */
export async function loadConfigFile<Config>(
  path: string,
  schema: z.ZodType<Config>,
  what: string,
): Promise<Config> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new ConfigError(`${path} cannot be read as JSON. \`npm run up\` writes it anew.`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path: at, message }) => `  ${at.join(".") || "(root)"}: ${message}`,
  );
  throw new ConfigError(`${path} is not ${what}. \`npm run up\` writes it anew.\n${problems.join("\n")}`);
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repository } from "../../toolchain/setup/paths.mjs";

const folder = join(repository, "examples");

/** Names of the example configs. */
export const examples = readdirSync(folder).filter((file) => file.endsWith(".yaml"));

/** A certificate as far as the config looks at one. */
const authority = readFileSync(join(import.meta.dirname, "authority.pem"), "utf8");

/** An example's config with what an operator adds to it: the secrets its comments name, and the authority's file. */
export function exampleOf(file: string): Record<string, unknown> {
  const { config } = parse(readFileSync(join(folder, file), "utf8"));
  const { sync } = config;
  if (sync.database?.kind !== "external") return config;
  return {
    ...config,
    sync: { ...sync, database: { ...sync.database, password: "asked for", ca: authority } },
  };
}

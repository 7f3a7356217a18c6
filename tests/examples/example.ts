import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import { repository } from "../../toolchain/setup/paths.mjs";

const folder = join(repository, "examples");

/** Names of the example configs, the one of production among them. */
export const examples = [
  ...readdirSync(folder).filter((file) => file.endsWith(".yaml")),
  "../Pulumi.prod.yaml",
];

/** What a stack of an example is called, `one-host`, `prod`. */
export const stackOf = (file: string): string => basename(file, ".yaml").replace("Pulumi.", "");

/** A certificate as far as the config looks at one. */
const authority = readFileSync(join(import.meta.dirname, "authority.pem"), "utf8");

/** Who operates, where an example leaves that to `npm run setup`. */
const operators = {
  keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHFlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Njc4 ann@example.com"],
  addresses: ["203.0.113.7/32"],
};

/** An example's config with what an operator adds to it: the secrets its comments name, and the authority's file. */
export function exampleOf(file: string): Record<string, unknown> {
  const { config } = parse(readFileSync(join(folder, file), "utf8"));
  const { sync } = config;
  if (sync.database?.kind !== "external") return config;
  const remote = Object.values(config.hosts as Record<string, { kind: string }>).some(
    ({ kind }) => kind !== "local",
  );
  const server = { host: "db.example.com", user: "postgres", ...sync.database };
  return {
    ...(remote && { operators }),
    ...config,
    sync: { ...sync, database: { ...server, password: "asked for", ca: authority } },
  };
}

import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { sdkVersion } from "./plugin/sdk-version.ts";

/** Packages that have a stand-in: a folder each, beside this file. */
export const standIns = [
  "cloudflare",
  "command",
  "digitalocean",
  "docker",
  "postgresql",
  "random",
  "tls",
] as const;

const here = dirname(fileURLToPath(import.meta.url));
const repository = dirname(dirname(here));

/** A word for /bin/sh, whatever it holds. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * The executable the engine starts: this checkout's Node on the provider's main.ts. The compile cache keeps Node from
 * compiling the gRPC library anew for every plugin of every preview.
 */
export const launcher = (provider: string, pulumiHome: string): string =>
  [
    "#!/bin/sh",
    "# Stand-in for a provider plugin that could not be downloaded; see toolchain/providers/README.md.",
    `NODE_COMPILE_CACHE=${quoted(join(pulumiHome, "compile-cache"))} exec ${[
      join(repository, "node_modules/.bin/node"),
      join(here, provider, "main.ts"),
    ]
      .map(quoted)
      .join(" ")} "$@"`,
    "",
  ].join("\n");

/** Where the engine looks for a plugin's executable. */
export const pluginPath = (pulumiHome: string, provider: string): string =>
  join(pulumiHome, "plugins", `resource-${provider}-v${sdkVersion(provider)}`, `pulumi-resource-${provider}`);

/** Writes a launcher unless it is there; whoever looks at the path sees the old one whole or the new one whole. */
const installOne = async (pulumiHome: string, provider: string): Promise<string> => {
  const path = pluginPath(pulumiHome, provider);
  const script = launcher(provider, pulumiHome);
  const present = await readFile(path, "utf8").catch(() => undefined);
  if (present === script) return path;
  await mkdir(dirname(path), { recursive: true });
  const fresh = `${path}.${randomUUID()}`;
  await writeFile(fresh, script, { mode: 0o755 });
  await rename(fresh, path);
  // The engine leaves this beside a download that did not finish, and then takes the folder for unusable.
  await rm(`${dirname(path)}.partial`, { force: true });
  return path;
};

/** Puts the stand-ins into a PULUMI_HOME; answers the executables' paths. Safe to run twice, and at once. */
export const installStandIns = (pulumiHome: string): Promise<string[]> =>
  Promise.all(standIns.map((provider) => installOne(pulumiHome, provider)));

import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./child.mjs";
import { cache, repository } from "./paths.mjs";

/** The version of the Pulumi SDK that the program uses; the CLI must not be older. */
export async function wantedVersion() {
  const { dependencies } = JSON.parse(await readFile(join(repository, "package.json"), "utf8"));
  return /** @type {string} */ (dependencies["@pulumi/pulumi"]);
}

/** Where a CLI that was downloaded or built here is kept. */
export const cachedFolder = (/** @type {string} */ version) => join(cache, "pulumi", version);

/**
 * A Pulumi CLI that can be used: `folder` holds it and its Node language host; undefined when it is on PATH.
 *
 * @typedef {{ version: string, folder?: string }} CommandLine
 */

/**
 * The CLI on PATH if it is new enough, else the one in the cache.
 *
 * @returns {Promise<CommandLine | undefined>}
 */
export async function findCommandLine() {
  const wanted = await wantedVersion();
  const [onPath, host] = await Promise.all([
    run(["pulumi", "version"], { env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" } }),
    run(["sh", "-c", "command -v pulumi-language-nodejs"]),
  ]);
  const found = onPath.stdout.trim().replace(/^v/, "");
  if (onPath.code === 0 && host.code === 0 && !olderThan(found, wanted)) return { version: found };

  const folder = cachedFolder(wanted);
  const files = ["pulumi", "pulumi-language-nodejs"].map((file) => access(join(folder, file)));
  return Promise.all(files).then(
    () => ({ version: wanted, folder }),
    () => undefined,
  );
}

/**
 * Whether dotted version `a` is older than `b`; words behind a hyphen do not count.
 *
 * @param {string} a
 * @param {string} b
 */
export function olderThan(a, b) {
  const numbers = (/** @type {string} */ version) => version.split(/[-+~]/)[0]?.split(".").map(Number) ?? [];
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [l = 0, r = 0] = [left[i], right[i]];
    if (l !== r) return l < r;
  }
  return false;
}

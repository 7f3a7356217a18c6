import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { debianImage, type Recipe } from "../images/catalog.ts";
import { must, run } from "./child.mjs";
import { olderThan } from "./command-line.mjs";
import { packageIndex } from "./package-index.ts";
import { installPackages } from "./packages.ts";
import { dataHome, repository } from "./paths.mjs";
import type { Progress } from "./progress.ts";

/** Label of an image that was built here: digest of the recipe, so that an edited recipe builds anew. */
export const recipeLabel = "owui.recipe";

const folderOf = (recipe: Recipe): string => join(repository, "toolchain/images", recipe.folder);

/** sha256 over a recipe's files and arguments. */
export async function recipeDigest(recipe: Recipe): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(recipe.arguments));
  for (const file of (await readdir(folderOf(recipe))).toSorted()) {
    hash.update(`\0${file}\0`).update(await readFile(join(folderOf(recipe), file)));
  }
  return hash.digest("hex");
}

/** Builds an image and gives it its upstream name. */
export async function buildImage(image: string, recipe: Recipe, progress: Progress): Promise<void> {
  await mkdir(dataHome, { recursive: true, mode: 0o700 });
  const log = join(dataHome, `image-${recipe.folder}.log`);
  const label = `${recipeLabel}=${await recipeDigest(recipe)}`;
  const failure = `The image ${image} could not be built from ${recipe.source}.`;
  if (image === debianImage) {
    await installPackages(["debootstrap"], progress);
    await must([join(folderOf(recipe), "build.sh"), image, label], { failure, log });
  } else {
    await buildFromContext(image, recipe, label, { failure, log });
  }
}

async function buildFromContext(
  image: string,
  recipe: Recipe,
  label: string,
  report: { failure: string; log: string },
): Promise<void> {
  const secrets = await mkdtemp(join(tmpdir(), "owui-build-"));
  try {
    await writeFile(join(secrets, "index"), await packageIndex(), { mode: 0o600 });
    const certificates = await readFile("/etc/ssl/certs/ca-certificates.crt").catch(() => "");
    await writeFile(join(secrets, "ca"), certificates);
    const argv = [
      ...[await buildClient(), "build", "--progress", "plain", "--tag", image, "--label", label],
      ...Object.entries(recipe.arguments).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
      ...proxies(process.env).flatMap((name) => ["--build-arg", name]),
      ...["ca", "index"].flatMap((id) => ["--secret", `id=${id},src=${join(secrets, id)}`]),
      "-",
    ];
    await must(argv, { ...report, input: context(recipe), env: { ...process.env, DOCKER_BUILDKIT: "1" } });
  } finally {
    await rm(secrets, { recursive: true });
  }
}

/** The build context as a stream: the recipe's folder, for Node's image with the executable npm installed. */
function context(recipe: Recipe) {
  const executable =
    recipe.folder === "node" ? ["-C", join(repository, "node_modules/node/bin"), "node"] : [];
  const tar = spawn("tar", ["-c", "-C", folderOf(recipe), ".", ...executable], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return tar.stdout;
}

/** Names of the proxy settings a build needs too; their values travel by environment. */
const proxies = (environment: NodeJS.ProcessEnv): string[] =>
  ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"].flatMap((name) =>
    [name, name.toLowerCase()].filter((spelling) => environment[spelling]),
  );

/**
 * A docker client that builds with BuildKit. Clients from 23 on need a plugin for it that may be missing, older
 * ones have it built in; a machine may have one of each.
 */
async function buildClient(): Promise<string> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"];
  for (const client of new Set(folders.map((folder) => join(folder, "docker")))) {
    const version = await run([client, "version", "--format", "{{.Client.Version}}"]);
    if (version.code !== 0) continue;
    const builtIn = olderThan(version.stdout.trim(), "23");
    if (builtIn || (await run([client, "buildx", "version"])).code === 0) return client;
  }
  return "docker";
}

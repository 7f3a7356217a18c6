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

const images = join(repository, "toolchain/images");

/** The folder that each of a recipe's files is taken from, by name. */
async function filesOf({ folder, ownFiles }: Recipe): Promise<Map<string, string>> {
  const folders = [folder, ...(ownFiles ? [ownFiles] : [])].map((name) => join(images, name));
  const listed = await Promise.all(
    folders.map(async (path) => (await readdir(path)).map((file): [string, string] => [file, path])),
  );
  return new Map(listed.flat().toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

/** sha256 over a recipe's files and arguments. */
export async function recipeDigest(recipe: Recipe): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(recipe.arguments));
  for (const [file, folder] of await filesOf(recipe)) {
    hash.update(`\0${file}\0`).update(await readFile(join(folder, file)));
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
    await must([join(images, recipe.folder, "build.sh"), image, label], { failure, log });
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
    await must(argv, {
      ...report,
      input: await context(recipe),
      env: { ...process.env, DOCKER_BUILDKIT: "1" },
    });
  } finally {
    await rm(secrets, { recursive: true });
  }
}

/** The build context as a stream: the recipe's files, for Node's image with the executable npm installed. */
async function context(recipe: Recipe) {
  const files = [...(await filesOf(recipe))];
  if (recipe.folder === "node") files.push(["node", join(repository, "node_modules/node/bin")]);
  const tar = spawn("tar", ["-c", ...files.flatMap(([file, folder]) => ["-C", folder, file])], {
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

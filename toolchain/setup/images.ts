import { debianImage, type Recipe, recipeOf } from "../images/catalog.ts";
import { run } from "./child.mjs";
import { buildImage, recipeDigest, recipeLabel } from "./image-build.ts";
import { SetupError } from "./problem.mjs";
import type { Progress } from "./progress.ts";
import { pull, registryOf } from "./registry.ts";

/** What the engine has under an image's name. */
type Presence = "absent" | "pulled" | "built" | "outdated";

/**
 * Makes sure that the engine has every image: those that are there stay, missing ones are pulled, and where no
 * registry serves them they are built. An image built from a recipe that was edited since is built again.
 */
export async function ensureImages(images: readonly string[], progress: Progress): Promise<string> {
  const presence = new Map<string, Presence>();
  await Promise.all(images.map(async (image) => presence.set(image, await presenceOf(image))));
  const wanting = images.filter((image) => ["absent", "outdated"].includes(presence.get(image) ?? "absent"));

  const absent = wanting.filter((image) => presence.get(image) === "absent" && !recipeOf(image)?.own);
  const pulled = await pullAll(absent, progress);
  const unserved = wanting.filter((image) => !pulled.has(image));
  refuseUnbuildable(unserved.filter((image) => !recipeOf(image)));

  if (unserved.length > 0) await ensureBase(progress);
  const built = await Promise.all(unserved.map((image) => build(image, progress)));
  return summary(images, presence, built.filter(Boolean));
}

/** Names of the images that were built here. */
export async function builtImages(): Promise<string[]> {
  const list = [
    "docker",
    "images",
    "--filter",
    `label=${recipeLabel}`,
    "--format",
    "{{.Repository}}:{{.Tag}}",
  ];
  const { stdout } = await run(list);
  return [...new Set(stdout.split("\n").filter((name) => name && !name.includes("<none>")))];
}

async function presenceOf(image: string): Promise<Presence> {
  const format = `{{index .Config.Labels "${recipeLabel}"}}`;
  const { code, stdout } = await run(["docker", "image", "inspect", "--format", format, image]);
  if (code !== 0) return "absent";
  const label = stdout.trim();
  if (!label || label === "<no value>") return "pulled";
  const recipe = recipeOf(image);
  return recipe && label !== (await recipeDigest(recipe)) ? "outdated" : "built";
}

/** Recipes start from Debian, which may itself have to be built. */
async function ensureBase(progress: Progress): Promise<void> {
  const presence = await presenceOf(debianImage);
  if (presence === "pulled" || presence === "built") return;
  if (presence === "absent" && (await pull(debianImage)) === "pulled") return;
  await build(debianImage, progress);
}

/** Builds one image; answers what it holds, `nginx:stable-bookworm (nginx version: nginx/1.22.1)`. */
async function build(image: string, progress: Progress): Promise<string> {
  const recipe = recipeOf(image) as Recipe;
  progress(`no registry serves ${image}: building it from ${recipe.source}`);
  await buildImage(image, recipe, progress);
  const [program = "", ...rest] = recipe.version;
  const { stdout, stderr } = await run(["docker", "run", "--rm", "--entrypoint", program, image, ...rest]);
  const version = /\d+\.\d+[\w.]*/.exec(stdout + stderr)?.[0] ?? "?";
  progress(`${image} is built; it holds ${recipe.folder} ${version}`);
  return `${recipe.folder} ${version}`;
}

/** Pulls what can be had; a registry that does not answer is waited for only once. */
async function pullAll(images: readonly string[], progress: Progress): Promise<Set<string>> {
  const pulled = new Set<string>();
  const byRegistry = Map.groupBy(images, registryOf);
  await Promise.all(
    [...byRegistry].map(async ([registry, own]) => {
      for (const image of own) {
        progress(`asking ${registry} for ${image}`);
        const outcome = await pull(image);
        if (outcome === "unreachable") return;
        if (outcome === "pulled") pulled.add(image);
      }
    }),
  );
  return pulled;
}

function refuseUnbuildable(images: string[]): void {
  if (images.length === 0) return;
  throw new SetupError(
    images.map((image) => ({
      what: `The image ${image} is not in the engine, and its registry does not serve it.`,
      why: "Only releases of ghcr.io/open-webui/open-webui, like v0.11.3, can be built here instead.",
      remedy: "Check its name, sign in to its registry (`docker login`), or load it with `docker load`.",
    })),
    "No container was made.",
  );
}

const summary = (images: readonly string[], presence: Map<string, Presence>, built: string[]): string => {
  if (built.length > 0) return `built ${built.join(", ")}`;
  const own = images.filter((image) => presence.get(image) === "built").length;
  return `${images.length} images are there${own ? `, ${own} of them built here` : ""}`;
};

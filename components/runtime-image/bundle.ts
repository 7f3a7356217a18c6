import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { build, type Plugin } from "esbuild";

/** Programs of the image, each one file beside the folders of the source. */
const programs = { agent: "agent/main.ts", node: "node/main.ts" };

/**
 * Bundles the runtime's programs into `directory`: agent.mjs and node.mjs with every package inside, and SQLite's
 * native addon beside them. Building the image then needs no network and no npm.
 */
export async function bundle(repository: string, directory: string): Promise<void> {
  const source = join(repository, "sync-runtime");
  await build({
    absWorkingDir: repository,
    entryPoints: Object.entries(programs).map(([out, file]) => ({ out, in: join(source, file) })),
    outdir: directory,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    legalComments: "none",
    logLevel: "warning",
    // Its default entry searches the disk for the addon; the one named after a platform just requires it.
    alias: { "better-sqlite3": `better-sqlite3/linux-${process.arch === "arm64" ? "arm64" : "x64"}` },
    loader: { ".node": "copy" },
    // Packages in CommonJS call require, which a module does not have.
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    plugins: [keepPlaces(source)],
  });
}

/** Lets a module find the files beside it although it is now part of a bundle at the top of the tree. */
const keepPlaces = (source: string): Plugin => ({
  name: "keep-places",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const place = relative(source, path);
      if (place.startsWith("..") || place.includes("node_modules")) return undefined;
      return { loader: "ts", contents: placed(await readFile(path, "utf8"), place) };
    }),
});

/** `import.meta` of a module whose path below the source is `place`, once it runs from the bundle. */
export const placed = (text: string, place: string): string =>
  text
    .replaceAll("import.meta.dirname", `(import.meta.dirname + ${JSON.stringify(`/${dirname(place)}`)})`)
    .replaceAll("import.meta.url", `new URL(${JSON.stringify(`./${place}`)}, import.meta.url).href`);

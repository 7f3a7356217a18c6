import { build } from "esbuild";

/** Programs of the image and their source; agent, writer and backup start others from the files beside their own. */
const programs = {
  agent: "agent/main.ts",
  reader: "agent/reader.ts",
  node: "node/main.ts",
  restore: "restore/main.ts",
  guard: "restore/guard.ts",
  writer: "writer/main.ts",
  "row-writer": "writer/row-writer.ts",
  adopt: "adopt/main.ts",
  move: "move/main.ts",
  drill: "drill/main.ts",
  "drill-database": "drill/database.ts",
  backup: "backup/main.ts",
  "database-copier": "backup/database-copier.ts",
};

/** Bundles each program into one file with every package inside: the image then needs no npm and no network. */
export async function bundle(source: string, directory: string): Promise<void> {
  await build({
    absWorkingDir: source,
    entryPoints: Object.entries(programs).map(([out, file]) => ({ out, in: file })),
    outdir: directory,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    outExtension: { ".js": ".mjs" },
    legalComments: "none",
    logLevel: "silent",
    // Packages in CommonJS call require, which a module does not have.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
}

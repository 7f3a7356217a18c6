/**
 * `node main.ts <logo> <directory> <name>` renders a brand into a directory. Run by install-branding.sh at `up`
 * only: rendering takes a second and needs sharp, which no preview should load.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LogoError } from "./logo.ts";
import { renderBrand } from "./render.ts";

const [logo = "", directory = "", name = ""] = process.argv.slice(2);
try {
  const files = await renderBrand(await readFile(logo), name);
  for (const [file, content] of files) await writeFile(join(directory, file), content);
} catch (error) {
  if (!(error instanceof LogoError)) throw error;
  console.error(`${logo}: ${error.message}`);
  process.exitCode = 1;
}

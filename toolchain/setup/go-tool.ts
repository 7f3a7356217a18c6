import { access, mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { must } from "./child.mjs";
import { cache } from "./paths.mjs";

/** A program that a folder's go.mod pins as a Go tool; go.sum holds what it is made of. */
export interface GoTool {
  folder: string;
  /** `github.com/rhysd/actionlint`. */
  module: string;
  /** The program's package, `github.com/rhysd/actionlint/cmd/actionlint`. */
  program: string;
}

/** The program, built where it was not built before; whole or absent. */
export async function goTool({ folder, module, program }: GoTool): Promise<string> {
  const pinned = await readFile(join(folder, "go.mod"), "utf8");
  const version = new RegExp(`${module} v(\\S+)`).exec(pinned)?.[1] ?? "";
  const name = program.split("/").at(-1) ?? "";
  const file = join(cache, name, version, name);
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (there) return file;
  await mkdir(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  await must(["go", "build", "-trimpath", "-o", fresh, program], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0" },
    failure: `${name} could not be built: is the Go module proxy reachable?`,
  });
  await rename(fresh, file);
  return file;
}

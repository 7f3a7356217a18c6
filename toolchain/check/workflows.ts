/** `npm run check`: actionlint over the workflows, shellcheck over what they run; needs Go, which builds it once. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { must, run } from "../setup/child.mjs";
import { cache, repository } from "../setup/paths.mjs";
import { printFailure } from "../setup/problem.mjs";

/** Its go.mod pins it as a tool, go.sum holds what it is made of. */
const folder = join(repository, "toolchain/check/actionlint");
const module = "github.com/rhysd/actionlint";

/** Files to look at instead of the repository's. */
const files = process.argv.slice(2);

async function check(): Promise<void> {
  if ((await run(["go", "version"])).code !== 0) {
    process.stdout.write("actionlint: not run, since there is no Go to build it with.\n");
    return;
  }
  const { code, stdout, stderr } = await run([await build(), "-no-color", ...files], { cwd: repository });
  process.stdout.write(stdout + stderr || "actionlint: nothing to say about the workflows.\n");
  process.exitCode = code;
}

/** The program, built where it was not built before. */
async function build(): Promise<string> {
  const pinned = await readFile(join(folder, "go.mod"), "utf8");
  const version = new RegExp(`${module} v(\\S+)`).exec(pinned)?.[1] ?? "";
  const program = join(cache, "actionlint", version, "actionlint");
  if ((await run([program, "-version"])).code === 0) return program;
  await mkdir(cache, { recursive: true });
  await must(["go", "build", "-trimpath", "-o", program, `${module}/cmd/actionlint`], {
    cwd: folder,
    env: { ...process.env, CGO_ENABLED: "0" },
    failure: "actionlint could not be built: is the Go module proxy reachable?",
  });
  return program;
}

check().catch((error) => {
  process.exitCode = printFailure(error);
});

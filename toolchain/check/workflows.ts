/** `npm run check`: actionlint over the workflows, shellcheck over what they run; needs Go, which builds it once. */
import { join } from "node:path";
import { run } from "../setup/child.mjs";
import { goTool } from "../setup/go-tool.ts";
import { repository } from "../setup/paths.mjs";
import { printFailure } from "../setup/problem.mjs";

const actionlint = {
  folder: join(repository, "toolchain/check/actionlint"),
  module: "github.com/rhysd/actionlint",
  program: "github.com/rhysd/actionlint/cmd/actionlint",
};

/** Files to look at instead of the repository's. */
const files = process.argv.slice(2);

async function check(): Promise<void> {
  if ((await run(["go", "version"])).code !== 0) {
    process.stdout.write("actionlint: not run, since there is no Go to build it with.\n");
    return;
  }
  const argv = [await goTool(actionlint), "-no-color", ...files];
  const { code, stdout, stderr } = await run(argv, { cwd: repository });
  process.stdout.write(stdout + stderr || "actionlint: nothing to say about the workflows.\n");
  process.exitCode = code;
}

check().catch((error) => {
  process.exitCode = printFailure(error);
});

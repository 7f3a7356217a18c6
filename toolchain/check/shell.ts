/** `npm run check`: shellcheck over every shell script of the repository, those without an ending too. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { must, run } from "../setup/child.mjs";
import { repository } from "../setup/paths.mjs";
import { printFailure, SetupError } from "../setup/problem.mjs";

/** Scripts that no ending gives away. */
const others = [".ci/run"];

async function check(): Promise<void> {
  const listed = await must(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.sh"], {
    cwd: repository,
    failure: "The repository's files could not be listed.",
  });
  const scripts = [...listed.split("\n").filter(Boolean), ...others];
  const codes = await Promise.all(
    [...(await byShell(scripts))].map(([flags, own]) => shellcheck(flags, own)),
  );
  if (codes.every((code) => code === 0))
    process.stdout.write(`shellcheck: ${scripts.length} scripts, nothing to say.\n`);
  process.exitCode = Math.max(...codes);
}

/** Scripts by the flags they need: those a command is pieced together from have no first line that names a shell. */
async function byShell(scripts: string[]): Promise<Map<string, string[]>> {
  const starts = await Promise.all(scripts.map((script) => readFile(join(repository, script), "latin1")));
  return Map.groupBy(scripts, (_, index) => (starts[index]?.startsWith("#!") ? "" : "--shell=sh"));
}

async function shellcheck(flags: string, scripts: string[]): Promise<number> {
  const argv = ["shellcheck", "--external-sources", ...flags.split(" ").filter(Boolean), ...scripts];
  const { code, stdout, stderr } = await run(argv, { cwd: repository });
  if (code === 127) throw new SetupError([missing]);
  process.stdout.write(stdout + stderr);
  return code;
}

const missing = {
  what: "shellcheck is not installed.",
  why: "Scripts that run as root on hosts are not left unchecked.",
  remedy: "`apt-get install shellcheck`, or `npm test`, which installs it on Debian and Ubuntu.",
};

check().catch((error) => {
  process.exitCode = printFailure(error);
});

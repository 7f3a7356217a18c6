/** `npm run report`: shows what `npm run preview` or `npm run drift` wrote on GitHub; for the workflows. */
import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { printFailure, SetupError } from "../setup/problem.mjs";
import { type Access, GitHub } from "./github.ts";
import { type RunReport, showDrift, showPreview } from "./report-thread.ts";

interface Options {
  stack: string;
  markdown: string;
  run: string;
}

/** What GitHub gives a run. @throws with everything that is missing */
function accessOf({ GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN }: NodeJS.ProcessEnv): Access {
  const wanted = { GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN };
  const missing = Object.entries(wanted).flatMap(([name, value]) => (value ? [] : [name]));
  if (missing.length > 0) {
    const what = `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not set.`;
    const why = "They say where the report goes, and as whom.";
    throw new SetupError([{ what, why, remedy: "Run it in a workflow of GitHub's, as preview.yml does." }]);
  }
  return { api: GITHUB_API_URL ?? "", repository: GITHUB_REPOSITORY ?? "", token: GITHUB_TOKEN ?? "" };
}

const reportOf = async ({ stack, markdown, run }: Options): Promise<RunReport> => ({
  ...{ stack, run },
  markdown: await readFile(markdown, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }),
});

const numbered = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It is a pull request's number.");
  return Number(text);
};

const say = (text: string) => void process.stdout.write(`${text}\n`);

const program = new Command("npm run report --");
const command = (name: string, description: string) =>
  program
    .command(name)
    .description(description)
    .requiredOption("--stack <name>", "the stack it is about")
    .requiredOption("--markdown <file>", "what the command wrote")
    .requiredOption("--run <url>", "the workflow's run");

command("comment", "shows a preview on a pull request, in one comment that is kept up to date")
  .requiredOption("--on <number>", "the pull request", numbered)
  .action(async (options: Options & { on: number }) =>
    say(await showPreview(new GitHub(accessOf(process.env)), options.on, await reportOf(options))),
  );
command("issue", "shows a drift as an issue, which is closed when there is none any more").action(
  async (options: Options) =>
    say(await showDrift(new GitHub(accessOf(process.env)), await reportOf(options))),
);

program.parseAsync().catch((error) => {
  process.exitCode = printFailure(error);
});

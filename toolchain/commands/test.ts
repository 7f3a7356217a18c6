import { spawn } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { defaultVersion } from "../../components/fleet-config/tenant-entry.ts";
import { dropletImage, fleetImages, monitoringImages } from "../images/catalog.ts";
import { probeMachine } from "../setup/machine.mjs";
import { machineProblems, machineText } from "../setup/machine-check.mjs";
import { installPackages } from "../setup/packages.ts";
import { nodeFolder, repository } from "../setup/paths.mjs";
import { provision, provisionPlugins } from "../setup/prepare.ts";
import { SetupError } from "../setup/problem.mjs";
import { Pulumi } from "../setup/pulumi.ts";
import { duration, Steps } from "../setup/steps.mjs";
import { type Score, scoreOf, sumOf, verdictOf } from "./test-score.ts";

/** Checks that count as a test each: a wrong type fails a run as a wrong result does. */
const checks = [
  { name: "types", argv: ["tsc", "--noEmit"] },
  { name: "lint", argv: ["biome", "check"] },
  { name: "shell", argv: ["node", "toolchain/check/shell.ts"] },
];

/** The vitest projects, the quick ones first: what is broken is soon seen. */
export const projects = ["unit", "database", "runtime", "conformance", "e2e"];

/** Debian packages that tests use besides what the fleet needs. */
const packages = ["shellcheck", "openssl", "iproute2", "python3-psycopg2"];

/** `npm test`: sets everything up, runs every check and every test (or `only` some projects'), and ends with the sum. */
export async function test(only: readonly string[]): Promise<void> {
  const started = Date.now();
  const environment = await setUp(new Steps(process.stdout));
  const scores: Score[] = [];
  for (const { name, argv } of checks) {
    heading(name);
    const code = await show(argv, environment);
    scores.push({ name, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  }
  for (const project of only.length > 0 ? only : projects) {
    heading(project);
    scores.push(await runProject(project, environment));
  }
  heading(`result, after ${duration(Date.now() - started)}`);
  const { line, ok } = verdictOf(scores);
  process.stdout.write(`${sumOf(scores)}\n\n${line}\n`);
  process.exitCode = ok ? 0 : 1;
}

/** Engine, images, CLI and plugins, and the environment that names them. */
async function setUp(steps: Steps): Promise<NodeJS.ProcessEnv> {
  await steps.run(
    "machine",
    async () => {
      const machine = await probeMachine();
      const problems = machineProblems(machine);
      if (problems.length > 0) throw new SetupError(problems);
      return machine;
    },
    machineText,
  );
  const tenantImage = `ghcr.io/open-webui/open-webui:${defaultVersion}`;
  const cli = await provision(steps, [...fleetImages, ...monitoringImages, dropletImage, tenantImage]);
  const { environment } = new Pulumi("test", cli);
  await provisionPlugins(steps, undefined, environment);
  await steps.run("packages", async (progress) => {
    await installPackages(packages, progress);
    return packages.join(", ");
  });
  // Tests make stacks, homes and passphrases of their own: of the environment they get the programs only.
  return { ...process.env, PATH: environment.PATH };
}

/** Runs a vitest project; what it says goes to the screen, the counts come from its report. */
async function runProject(project: string, environment: NodeJS.ProcessEnv): Promise<Score> {
  const report = join(repository, ".build/test", `${project}.json`);
  await mkdir(join(repository, ".build/test"), { recursive: true });
  await rm(report, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const code = await show(["vitest", "run", "--project", project, ...reporters], environment);
  const text = await readFile(report, "utf8").catch(() => undefined);
  return scoreOf(project, code, text);
}

/** Runs a program of node_modules/.bin with its output on the screen; answers its exit code. */
const show = ([program = "", ...args]: string[], environment: NodeJS.ProcessEnv): Promise<number> =>
  new Promise((done) => {
    const child = spawn(join(nodeFolder, program), args, {
      cwd: repository,
      env: environment,
      stdio: "inherit",
    });
    child.on("error", () => done(127));
    child.on("close", (code) => done(code ?? 1));
  });

const heading = (text: string): void => {
  process.stdout.write(`\n── ${text} ${"─".repeat(Math.max(0, 70 - text.length))}\n\n`);
};

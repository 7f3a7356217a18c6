import { defaultVersion } from "../../components/fleet-config/tenant-entry.ts";
import { acmeImage, backupImage, dropletImage, fleetImages, monitoringImages } from "../images/catalog.ts";
import { probeMachine } from "../setup/machine.mjs";
import { machineProblems, machineText } from "../setup/machine-check.mjs";
import { installPackages } from "../setup/packages.ts";
import { provision, provisionPlugins } from "../setup/prepare.ts";
import { SetupError } from "../setup/problem.mjs";
import { Pulumi } from "../setup/pulumi.ts";
import { duration, Steps } from "../setup/steps.mjs";
import { BesideRun, headed } from "./test-beside.ts";
import { ProjectRun, planOf, runProgram, sharesMachine, type TestPlan } from "./test-project.ts";
import { failuresOf, type Score, sumOf, verdictOf } from "./test-score.ts";

/** Checks that count as a test each: a wrong type fails a run as a wrong result does. */
const checks = [
  { name: "types", argv: ["tsc", "--noEmit"] },
  { name: "lint", argv: ["biome", "check"] },
  { name: "shell", argv: ["node", "toolchain/check/shell.ts"] },
  { name: "workflows", argv: ["node", "toolchain/check/workflows.ts"] },
];

/** Debian packages that tests use besides what the fleet needs. */
const packages = ["shellcheck", "openssl", "iproute2", "postgresql-client", "python3-psycopg2", "restic"];

/** What `npm test` may be told. */
export interface TestInvocation {
  /** Everything one after the other. */
  serial?: boolean;
}

/**
 * `npm test`: sets everything up, runs every check and every test (or `only` some projects'), and ends with the sum.
 * The end-to-end suite waits for containers most of the time, so it runs beside the others and is shown when it ended.
 */
export async function test(only: readonly string[], { serial = false }: TestInvocation = {}): Promise<void> {
  const started = Date.now();
  const { signal } = abortedBySignals();
  const environment = await setUp(new Steps(process.stdout));
  const scores: Score[] = [];
  for (const { name, argv } of checks) {
    heading(name);
    const code = await runProgram(argv, environment, { signal });
    scores.push(
      code === 0
        ? { name, passed: 1, failed: 0, skipped: 0, failures: [] }
        : { name, passed: 0, failed: 1, skipped: 0, failures: [`it ended with ${code}`] },
    );
  }
  scores.push(...(await runProjects(planOf(only, serial), environment, signal)));
  heading(`result, after ${duration(Date.now() - started)}`);
  const { line, ok } = verdictOf(scores);
  const failures = failuresOf(scores);
  process.stdout.write(`${sumOf(scores)}\n\n${failures && `${failures}\n`}${line}\n`);
  process.exitCode = ok ? 0 : 1;
}

async function runProjects(
  { screen, beside }: TestPlan,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Score[]> {
  const scores: Score[] = [];
  let other: BesideRun | undefined;
  for (const project of screen) {
    if (beside && !other && sharesMachine(project)) {
      const run = await ProjectRun.start(beside, environment, { hidden: true, signal });
      other = new BesideRun(run, process.stdout);
    }
    heading(project);
    await other?.tell();
    scores.push(await (await ProjectRun.start(project, environment, { signal })).score);
    await other?.showIfEnded();
  }
  if (other) scores.push(await other.end());
  return scores;
}

/** Told to end, the programs that run are ended, and what they said so far is shown: a time limit's last word. */
function abortedBySignals(): AbortController {
  const told = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => told.abort());
  return told;
}

const heading = (text: string) => process.stdout.write(headed(text));

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
  const cli = await provision(steps, [
    ...fleetImages,
    acmeImage,
    backupImage,
    ...monitoringImages,
    dropletImage,
    tenantImage,
  ]);
  const { environment } = new Pulumi("test", cli);
  await provisionPlugins(steps, undefined, environment);
  await steps.run("packages", async (progress) => {
    await installPackages(packages, progress);
    return packages.join(", ");
  });
  // Tests make stacks, homes and passphrases of their own: of the environment they get the programs only.
  return { ...process.env, PATH: environment.PATH };
}

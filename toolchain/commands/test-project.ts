import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { nodeFolder, repository } from "../setup/paths.mjs";
import { REPORT } from "./test-reporter.ts";
import { type Score, scoreOf } from "./test-score.ts";

/** Reports and logs of the latest run of each project. */
const FOLDER = join(repository, ".build/test");

const REPORTER = "./toolchain/commands/test-reporter.ts";

/** The vitest projects, the quick ones first: what is broken is soon seen. */
export const projects = ["unit", "database", "runtime", "conformance", "e2e"];

/** What runs when: the quick ones with the machine to themselves, then one stream on the screen and one beside it. */
export interface TestPlan {
  /** One after the other, on the screen. */
  screen: string[];
  /** At the same time as what is on the screen behind {@link ALONE}; it waits for containers most of the time. */
  beside?: string;
}

const ALONE = "unit";
const BESIDE = "e2e";

/**
 * @param wanted names of projects; all of them when none is named
 * @param serial one after the other, for a machine with little room or a look at one stream's own time
 */
export function planOf(wanted: readonly string[], serial: boolean): TestPlan {
  const screen = wanted.length > 0 ? [...wanted] : projects;
  const others = screen.filter((project) => project !== BESIDE && project !== ALONE);
  if (serial || others.length === 0 || !screen.includes(BESIDE)) return { screen };
  return { screen: screen.filter((project) => project !== BESIDE), beside: BESIDE };
}

/** Whether the stream beside the screen may run meanwhile. */
export const sharesMachine = (project: string): boolean => project !== ALONE;

/** A project that was started. What it says goes to the screen, or into a file until it is shown. */
export class ProjectRun {
  readonly project: string;
  /** When it has ended. */
  readonly score: Promise<Score>;
  readonly #log: string | undefined;

  private constructor(project: string, score: Promise<Score>, log: string | undefined) {
    this.project = project;
    this.score = score;
    this.#log = log;
  }

  /**
   * @param hidden keep what it says in `.build/test/<project>.log` instead of writing it on the screen
   * @param signal ends it
   */
  static async start(
    project: string,
    environment: NodeJS.ProcessEnv,
    { hidden = false, signal }: { hidden?: boolean; signal?: AbortSignal } = {},
  ): Promise<ProjectRun> {
    await mkdir(FOLDER, { recursive: true });
    const report = join(FOLDER, `${project}.json`);
    await rm(report, { force: true });
    const log = hidden ? join(FOLDER, `${project}.log`) : undefined;
    // One file of many scenarios tells of each as it ends; elsewhere a line a file is enough.
    const told = `--reporter=${project === BESIDE ? "verbose" : "default"}`;
    const argv = ["vitest", "run", "--project", project, told, `--reporter=${REPORTER}`];
    const ended = runProgram(argv, { ...environment, [REPORT]: report }, { log, signal });
    const score = ended.then(async (code) =>
      scoreOf(project, code, await readFile(report, "utf8").catch(() => undefined)),
    );
    return new ProjectRun(project, score, log);
  }

  /** All that it said so far; nothing of one that said it on the screen. */
  said(): Promise<string> {
    return this.#log ? readFile(this.#log, "utf8") : Promise.resolve("");
  }
}

/**
 * Runs a program of node_modules/.bin; answers its exit code, 127 where it could not be started or was ended before.
 * @param log the file that gets its output instead of the screen
 * @param signal ends it
 */
export function runProgram(
  [program = "", ...args]: readonly string[],
  environment: NodeJS.ProcessEnv,
  { log, signal }: { log?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<number> {
  const file = log === undefined ? undefined : openSync(log, "w");
  const child = spawn(join(nodeFolder, program), args, {
    cwd: repository,
    env: environment,
    stdio: file === undefined ? "inherit" : ["ignore", file, file],
    signal,
  });
  if (file !== undefined) closeSync(file); // the child has it
  return new Promise((done) => {
    child.on("error", () => done(127));
    child.on("close", (code) => done(code ?? 1));
  });
}

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { findCommandLine } from "../toolchain/setup/command-line.mjs";
import { pulumiEnvironment } from "../toolchain/setup/pulumi.ts";

const execute = promisify(execFile);

/** A Pulumi project on disk. */
export interface Project {
  /** As its Pulumi.yaml says. */
  name: string;
  folder: string;
}

/** A stack that exists in the engine's temporary backend only. */
export interface Stack {
  project: Project;
  name: string;
  /** Its config, outside the project's folder, which stays as it is. */
  file: string;
}

/** The Pulumi engine on a backend and a data home of its own, so that no stack of the user's is ever touched. */
export class Engine {
  readonly #home: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.#home = home;
    this.#environment = environment;
  }

  /** @throws when no CLI is there yet. */
  static async start(): Promise<Engine> {
    const commandLine = await findCommandLine();
    if (!commandLine)
      throw new Error(
        "No Pulumi CLI was found. Run `npm run preview` once, which sets the machine up, then this again.",
      );
    const home = await mkdtemp(join(tmpdir(), "owui-bench-"));
    await mkdir(join(home, "state"));
    const passphrase = join(home, "passphrase");
    await writeFile(passphrase, "a benchmark keeps no secrets");
    return new Engine(home, {
      ...pulumiEnvironment("bench", commandLine, process.env),
      PULUMI_BACKEND_URL: `file://${join(home, "state")}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
      OWUI_HOME: join(home, "data"),
    });
  }

  /** Makes a stack. The CLI writes a new stack's file into the current folder, so that is a stand-in for the project's. */
  async stack(project: Project, name: string, config: Record<string, unknown>): Promise<Stack> {
    const folder = join(this.#home, name);
    await mkdir(folder);
    await writeFile(join(folder, "Pulumi.yaml"), stringify({ name: project.name, runtime: "nodejs" }));
    await this.#pulumi(folder, ["stack", "init", name, "--no-select"]);
    const file = join(folder, `Pulumi.${name}.yaml`);
    await writeFile(file, (await readFile(file, "utf8")) + stringify({ config }));
    return { project, name, file };
  }

  /** Number of resources a preview declares, the stack itself not counted. */
  async resources(stack: Stack): Promise<number> {
    const { steps } = JSON.parse(await this.preview(stack, ["--json"])) as { steps: unknown[] };
    return steps.length - 1;
  }

  /** Seconds a preview takes, the CLI's own start included. */
  async time(stack: Stack): Promise<number> {
    const started = performance.now();
    await this.preview(stack, ["--suppress-progress", "--suppress-outputs"]);
    return (performance.now() - started) / 1_000;
  }

  /** Removes everything it made. */
  async stop(): Promise<void> {
    await rm(this.#home, { recursive: true });
  }

  /** What a preview prints. @throws when it fails; the error holds its output. */
  preview({ project, name, file }: Stack, flags: string[] = []): Promise<string> {
    return this.#pulumi(project.folder, ["preview", "--stack", name, "--config-file", file, ...flags]);
  }

  async #pulumi(folder: string, argv: string[]): Promise<string> {
    const options = { cwd: folder, env: this.#environment, maxBuffer: 2 ** 28 };
    const { stdout } = await execute("pulumi", [...argv, "--non-interactive"], options);
    return stdout;
  }
}

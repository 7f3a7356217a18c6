import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";

/** What a finished command left. */
export interface Outcome {
  argv: readonly string[];
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Written to the command's standard input, which is closed afterwards. */
  input?: string;
  /** Added to this process' environment. */
  environment?: Record<string, string>;
  directory?: string;
  /** A failing command resolves instead of throwing: for tests that expect the refusal. */
  mayFail?: boolean;
  /** Told the process once it runs, for tests that end it. */
  started?: (pid: number) => void;
  /** Hears each line of its output while it runs. */
  heard?: (line: string) => void;
  /** One of the project's commands is killed, as by `kill -9`, at the first line of its output that says so; what it started goes on. */
  killAt?: RegExp;
  /** Ends it with -9 when it is aborted, and everything that is in its process group. */
  killed?: AbortSignal;
}

/** A command that ended with another code than 0. */
export class CommandFailedError extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    const said = `${outcome.stdout}\n${outcome.stderr}`.trim().split("\n").slice(-60).join("\n");
    super(`exit code ${outcome.code}: ${outcome.argv.join(" ")}\n${said}`);
    this.outcome = outcome;
  }
}

/** Runs one command to its end, without a shell. */
export const run = async (argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> => {
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: options.directory,
    env: { ...process.env, ...options.environment },
    stdio: ["pipe", "pipe", "pipe"],
    detached: options.killed !== undefined,
  });
  if (child.pid !== undefined) options.started?.(child.pid);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const { heard, killAt } = options;
  const hears = (line: string) => {
    heard?.(line);
    if (killAt?.test(line)) killCommand(child.pid);
  };
  if (heard || killAt)
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", hears);
  child.stdin.on("error", () => {}); // a command may end without reading its input
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    // What a killed command started holds its output open.
    child.once(killAt ? "exit" : "close", resolve);
    options.killed?.addEventListener("abort", () => {
      child.once("exit", resolve);
      if (child.pid && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    });
  });
  const outcome = {
    argv,
    code,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
  if (code !== 0 && !options.mayFail) throw new CommandFailedError(outcome);
  return outcome;
};

/** The command itself is a child of its door (toolchain/setup/door.mjs). */
function killCommand(door: number | undefined): void {
  const { stdout } = spawnSync("pgrep", ["--parent", String(door)], { encoding: "utf8" });
  for (const pid of [...stdout.split("\n").filter(Boolean), door])
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
}

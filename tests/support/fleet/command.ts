import { spawn } from "node:child_process";
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
  /** Hears each line of its output while it runs. */
  heard?: (line: string) => void;
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
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  if (options.heard)
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", options.heard);
  child.stdin.on("error", () => {}); // a command may end without reading its input
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
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

import { type ChildProcess, spawn } from "node:child_process";

/** One command to run and its surroundings. */
export interface Execution {
  command: string;
  /** Program and arguments that take the command as their last argument; `/bin/sh -c` unless given. */
  interpreter?: string[] | undefined;
  dir?: string | undefined;
  environment?: Record<string, string> | undefined;
  stdin?: string | undefined;
  /** Gets each whole line of the streams that are to be shown. */
  show: { stdout?: Show; stderr?: Show };
}

type Show = (line: string) => void;

/** What a command printed; always both strings, without the last newline. */
export type Output = { stdout: string; stderr: string };

/** A command that did not end well. The text is the real plugin's: status, command, then everything it printed. */
export class CommandFailedError extends Error {
  override readonly name = "CommandFailedError";

  constructor(status: string, command: string, printed: string) {
    super(`${status}: running ${JSON.stringify(command)}:\n${printed}`);
  }
}

/** A shell that was told to stop may leave children behind: the whole process group goes. */
const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
};

/** Calls `show` with each whole line of a stream, and with what is left at its end. */
const lines = (show: Show) => {
  let rest = "";
  return {
    push: (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      parts.forEach(show);
    },
    end: () => {
      if (rest) show(rest);
    },
  };
};

/** Gathers a stream by itself and, for failures, interleaved with the other. */
const collect = (stream: NodeJS.ReadableStream, both: string[], show: Show | undefined) => {
  const chunks: string[] = [];
  const shown = show && lines(show);
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    chunks.push(text);
    both.push(text);
    shown?.push(text);
  });
  stream.on("end", () => shown?.end());
  return () => chunks.join("").replace(/\n$/, "");
};

/** Runs a command to its end; an aborted signal kills it and its children. */
export const execute = (execution: Execution, signal: AbortSignal): Promise<Output> => {
  const { command, dir, environment, stdin, show } = execution;
  const given = execution.interpreter ?? [];
  const [program = "/bin/sh", ...args] = given.length > 0 ? given : ["/bin/sh", "-c"];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, command], {
      cwd: dir,
      env: { ...process.env, ...environment },
      // A process group of its own, so that it can be killed whole.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const printed: string[] = [];
    const stdout = collect(child.stdout, printed, show.stdout);
    const stderr = collect(child.stderr, printed, show.stderr);
    const abort = () => killGroup(child);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    child.once("error", (error) => reject(new CommandFailedError(error.message, command, "")));
    child.once("close", (code, killed) => {
      signal.removeEventListener("abort", abort);
      if (code === 0) return resolve({ stdout: stdout(), stderr: stderr() });
      const status = signal.aborted ? "cancelled" : killed ? `signal: ${killed}` : `exit status ${code}`;
      reject(new CommandFailedError(status, command, printed.join("")));
    });
    // A command that does not read its input closes the pipe early; that is no failure.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin ?? "");
  });
};

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { dockerName } from "../../components/container.ts";
import type { Invocation } from "../../toolchain/commands/invocation.ts";
import { SetupError } from "../../toolchain/setup/problem.mjs";
import { exitCodes } from "../exit-code.ts";
import { argvOn } from "../on-host/asked-host.ts";
import { placeOf } from "../tenant-place.ts";

/** How `fleet logs` is asked. */
export interface LogsInvocation extends Invocation {
  follow?: boolean;
  /** How many lines at most. */
  lines: string;
  /** From when on: a duration, or ISO 8601. */
  since?: string;
}

/** One line of `fleet logs --json`. */
export interface LogLine {
  tenant: string;
  stream: "stdout" | "stderr";
  /** ISO 8601; null where the engine did not say. */
  at: string | null;
  text: string;
}

/** `fleet logs acme`: what its container printed, until there is no more or the command is interrupted. */
export async function logs(invocation: LogsInvocation, tenant: string): Promise<void> {
  const { stack, json } = invocation;
  const argv = logsArgv(invocation, dockerName({ stack, role: "tenant", of: tenant }));
  const { host } = await placeOf(invocation, tenant);
  const [program = "", ...args] = argvOn(host, argv) ?? [];
  process.removeAllListeners("SIGINT");
  const child = spawn(program, args, {
    stdio: ["ignore", json ? "pipe" : "inherit", json ? "pipe" : "inherit"],
  });
  process.once("SIGINT", () => child.kill("SIGINT"));
  for (const stream of ["stdout", "stderr"] as const)
    if (child[stream]) tell(child[stream], (line) => logLine(tenant, stream, line));
  const code = await new Promise<number | null>((done) => {
    child.once("error", () => done(127));
    child.once("close", done);
  });
  if (code !== 0 && code !== null) process.exitCode = exitCodes.failed;
}

const tell = (stream: Readable, read: (line: string) => LogLine): void => {
  createInterface({ input: stream }).on("line", (line) =>
    process.stdout.write(`${JSON.stringify(read(line))}\n`),
  );
};

/** argv for the engine's client; what an operator said is checked before it becomes a word of it. */
export function logsArgv({ follow, lines, since, json }: LogsInvocation, container: string): string[] {
  const problems = [
    ...(/^\d{1,7}$|^all$/.test(lines) ? [] : [wrong("--lines", lines, "a number, or `all`")]),
    ...(since === undefined || /^\d+[smhd]$|^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/.test(since)
      ? []
      : [wrong("--since", since, "10m, 2h, or a time as 2026-11-22T07:00:00Z")]),
  ];
  if (problems.length > 0) throw new SetupError(problems);
  // The engine knows no days.
  const from = since?.replace(/^(\d+)d$/, (_, days) => `${Number(days) * 24}h`);
  return [
    ...["docker", "logs", "--tail", lines],
    ...(from === undefined ? [] : ["--since", from]),
    ...(follow ? ["--follow"] : []),
    ...(json ? ["--timestamps"] : []),
    container,
  ];
}

const wrong = (option: string, found: string, wanted: string) => ({
  what: `${option} ${found} is not understood.`,
  why: "It says which lines are shown.",
  remedy: `Write ${wanted}.`,
});

/** A line with the engine's time before it. */
export function logLine(tenant: string, stream: LogLine["stream"], line: string): LogLine {
  const [, at = null, text = line] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) ?(.*)$/s.exec(line) ?? [];
  return { tenant, stream, at, text };
}

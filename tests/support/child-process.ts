import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Sends a signal to a child, if it still lives, and waits for its end; gives the exit code. */
export async function stopChild(
  child: ChildProcess | undefined,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
  const ended = once(child, "exit");
  child.kill(signal);
  return (await ended)[0];
}

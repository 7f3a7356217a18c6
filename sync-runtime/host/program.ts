import { ConfigError } from "../config-file.ts";

/**
 * Runs a program of a host until it is told to end: `node <program>.mjs [config]`. An error ends it with exit code 1; of a
 * config that is wrong only the message is shown.
 * @param run resolves when the signal has aborted and everything is put away
 */
export async function runProgram(
  run: (configPath: string, signal: AbortSignal) => Promise<void>,
  defaultConfigPath: string,
): Promise<void> {
  // The engine that runs the container sends SIGTERM first; a second signal ends the process at once.
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
  try {
    await run(process.argv[2] ?? defaultConfigPath, stop.signal);
  } catch (error) {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exitCode = 1;
  }
}

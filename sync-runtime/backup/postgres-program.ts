import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { endOf } from "../host/child-end.ts";
import { lastWordsOf } from "../host/sandboxed-child.ts";
import { BackupError } from "./backup-error.ts";

/** Postgres' own programs that are used here. */
type Program = "pg_dump" | "pg_restore";

/**
 * Runs one of them to its end: the image's, with the libraries that lie beside it, or the machine's.
 * @param secrets go by the environment: everybody reads argv
 * @returns what it wrote
 */
export async function runPostgresProgram(
  program: Program,
  args: readonly string[],
  secrets: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string> {
  const { PATH, POSTGRES_CLIENT: home } = process.env;
  const child = spawn(home === undefined ? program : join(home, "bin", program), args, {
    ...{ cwd: "/", stdio: ["ignore", "pipe", "pipe"], signal, killSignal: "SIGKILL" },
    env: {
      ...{ PATH, TZ: "UTC", LC_ALL: "C", PGCONNECT_TIMEOUT: "10", ...secrets },
      ...(home === undefined ? {} : { LD_LIBRARY_PATH: join(home, "lib") }),
    },
  });
  const [end, said, complained] = await Promise.all([
    endOf(child),
    text(child.stdout as Readable),
    lastWordsOf(child.stderr as Readable),
  ]);
  signal.throwIfAborted();
  if (end === "exit code 0") return said;
  const words = complained.trim().replaceAll("\n", " ").slice(0, 500);
  throw new BackupError("dump-failed", `${program} ended with ${end}: ${words || "it said nothing"}`);
}

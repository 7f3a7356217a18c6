import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { secretsIn } from "./secrets.ts";

/** A moment between two looks: short enough that a command of a provider is seen. */
const LOOK_EVERY_MS = 40;

/**
 * Variables in which a program is given secrets by others' design, readable to its own user alone:
 * Pulumi hands a program the stack's config this way.
 */
const GIVEN = /^PULUMI_CONFIG=/;

/** A process in whose arguments or environment a text was found. */
export interface Sighting {
  /** Name of the text that was found, never the text. */
  what: string;
  where: "cmdline" | "environ";
  program: string;
  /** Its place in the control groups, which names its container. */
  cgroup: string;
}

/** A file of a process' /proc; empty for one that ended or is a kernel thread. */
const read = (pid: number, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
};

/** Arguments or environment, NUL between the entries, without what is given by design. */
const entries = (pid: number, where: "cmdline" | "environ"): string =>
  read(pid, where)
    .split("\0")
    .filter((entry) => where === "cmdline" || !GIVEN.test(entry))
    .join("\0");

/**
 * Looks once at every process of this machine, those inside containers included.
 *
 * @param needles texts to look for, by name
 */
export const sightings = (needles: ReadonlyMap<string, string>): Sighting[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap((pid) =>
      (["cmdline", "environ"] as const).flatMap((where) =>
        secretsIn(entries(pid, where), needles).map((what) => ({
          what,
          where,
          program: read(pid, "comm").trim(),
          cgroup: read(pid, "cgroup"),
        })),
      ),
    );

/** Looks again and again while `work` runs and returns everything that was seen. */
export const sightingsDuring = async (
  needles: ReadonlyMap<string, string>,
  work: Promise<unknown>,
): Promise<Sighting[]> => {
  const seen: Sighting[] = [];
  let working = true;
  const done = work.finally(() => {
    working = false;
  });
  while (working) {
    seen.push(...sightings(needles));
    await pause(LOOK_EVERY_MS);
  }
  await done;
  return seen;
};

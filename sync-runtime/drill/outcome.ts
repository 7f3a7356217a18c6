import * as z from "zod";

/** What a trial restore showed, as the program that backs up keeps it. */
export interface Outcome {
  /** ISO 8601. */
  at: string;
  ok: boolean;
  /** Empty where none was fetched. */
  snapshot: string;
  seconds: number;
  /** What was wrong; null where nothing was. */
  why: string | null;
}

const LONGEST_WHY = 2_000;

const Problems = z.object({ problems: z.array(z.string()) });

/** @param said what its scripts wrote on standard error: problems as JSON, or sentences */
export function outcomeOf(
  said: string,
  { ok, snapshot, seconds }: Pick<Outcome, "ok" | "snapshot" | "seconds">,
  now: Date,
): Outcome {
  const why = ok ? null : whyOf(said).slice(0, LONGEST_WHY) || "it ended and said nothing";
  return { at: now.toISOString(), ok, snapshot, seconds, why };
}

function whyOf(said: string): string {
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  for (const line of lines) {
    const problems = problemsIn(line);
    if (problems.length > 0) return problems.join("; ");
  }
  return lines.slice(-3).join(" ");
}

function problemsIn(line: string): string[] {
  try {
    return Problems.parse(JSON.parse(line)).problems;
  } catch {
    return [];
  }
}

/** Of a status file, what counts here. */
const Status = z.object({
  lastGood: z.string().nullable(),
  drill: z.object({ at: z.string(), ok: z.boolean() }).nullable(),
});

/** A drill that failed is tried again after so many seconds, or after its interval where that is shorter. */
const AGAIN_SECONDS = 6 * 3600;

/**
 * Whether a tenant's trial restore is due; a tenant without a backup has nothing to restore.
 * @param status text of its status file
 * @param interval seconds from one to the next
 */
export function isDue(status: string, interval: number, now: Date): boolean {
  let known: z.infer<typeof Status>;
  try {
    known = Status.parse(JSON.parse(status));
  } catch {
    return false;
  }
  if (known.lastGood === null) return false;
  if (known.drill === null) return true;
  const wait = known.drill.ok ? interval : Math.min(interval, AGAIN_SECONDS);
  return now.getTime() - Date.parse(known.drill.at) >= wait * 1000;
}

import * as z from "zod";
import type { Benchmark, Result } from "../result.ts";
import { firstLoad } from "./first-load.ts";
import { memory } from "./memory.ts";
import { tenRows } from "./ten-rows.ts";
import { unchanged } from "./unchanged.ts";
import { machineNow, Workbench } from "./workbench.ts";
import { writer } from "./writer.ts";

/** Every part, by the name it is chosen with. */
const parts = { "first-load": firstLoad, unchanged, "ten-rows": tenRows, writer, memory };
type Part = keyof typeof parts;
const names = Object.keys(parts) as Part[];

const Chosen = z.object({
  mb: z.coerce.number("a number of megabytes").int().min(10).max(10_000),
  rounds: z.coerce.number("a number").int().min(1).max(50),
  only: z
    .string()
    .transform((list) => list.split(",").filter(Boolean))
    .pipe(z.array(z.enum(names, { error: `one or more of ${names.join(",")}` })).min(1)),
});

/** What a run measures; @throws when an option makes no sense */
export function choiceOf(chosen: Record<string, string>): {
  megabytes: number;
  rounds: number;
  parts: Part[];
} {
  const parsed = Chosen.safeParse(chosen);
  if (parsed.success) {
    const { mb: megabytes, rounds, only } = parsed.data;
    return { megabytes, rounds, parts: names.filter((name) => only.includes(name)) };
  }
  const problems = parsed.error.issues.map(
    ({ path: [option = ""], message }) => `--${String(option)} ${chosen[String(option)]}: ${message}`,
  );
  throw new Error(`Nothing was measured:\n${problems.join("\n")}`);
}

/** The replication engine, end to end, beside the tools that load the same rows. */
export const replicate: Benchmark = {
  about: "replication of a tenant's database: speed, cost, what the application notices, memory",
  options: {
    mb: { default: "600", about: "size of the tenant's database in megabytes" },
    rounds: { default: "3", about: "how often everything is measured" },
    only: { default: names.join(","), about: "parts, separated by commas" },
  },
  async run(progress, chosen) {
    const { parts: wanted, ...choice } = choiceOf(chosen);
    const opening = Workbench.open(choice, progress);
    using _stopped = endOnSignal(opening, progress);
    await using bench = await opening;
    bench.progress(`measures on ${machineNow()}`);
    const results: Result[] = [];
    for (const name of wanted) results.push(...(await parts[name](bench)));
    bench.progress(`done (${machineNow()})`);
    return results;
  },
};

/** Whoever ends a long run early finds nothing left behind either. */
function endOnSignal(opening: Promise<Workbench>, progress: (text: string) => void): Disposable {
  const end = () => {
    progress("ends early, and puts away what it has made");
    const putAway = opening.then((bench) => bench[Symbol.asyncDispose]());
    void putAway.catch(() => {}).finally(() => process.exit(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  return {
    [Symbol.dispose]() {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
    },
  };
}

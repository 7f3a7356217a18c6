import { join } from "node:path";
import { repository } from "../../toolchain/setup/paths.mjs";
import { Engine, type Project, type Stack } from "../engine.ts";
import { type Benchmark, median, type Result, resultOf } from "../result.ts";
import { fleetWith } from "./fleet.ts";

const fleet: Project = { name: "open-webui-infrastructure", folder: repository };
const bare: Project = { name: "bare", folder: join(import.meta.dirname, "bare") };

const sizes = [1, 10, 100];
const rounds = 5;
const target = 1.5;

/** How much more than the engine's own cost the program's first preview takes. */
export const preview: Benchmark = {
  about: "time of a first preview with 1, 10 and 100 tenants, beside as many resources that do nothing",
  async run(progress) {
    const engine = await Engine.start();
    try {
      const results: Result[] = [];
      for (const tenants of sizes) results.push(await compare(engine, tenants, progress));
      return results;
    } finally {
      await engine.stop();
    }
  },
};

/** Both previews take turns, and each goes first every other time, so that a busy machine slows both alike. */
async function compare(engine: Engine, tenants: number, progress: (text: string) => void): Promise<Result> {
  const ours = await engine.stack(fleet, `fleet-${tenants}`, fleetWith(tenants));
  const resources = await engine.resources(ours);
  const theirs = await engine.stack(bare, `bare-${tenants}`, { resources });
  await engine.time(theirs);

  const times = { fleet: [] as number[], bare: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const turns: [Stack, number[]][] = [
      [ours, times.fleet],
      [theirs, times.bare],
    ];
    for (const [stack, seconds] of round % 2 === 0 ? turns : turns.toReversed())
      seconds.push(await engine.time(stack));
    progress(
      `${tenants} tenants, round ${round + 1} of ${rounds}: ${times.fleet.at(-1)?.toFixed(2)} s, bare ${times.bare.at(-1)?.toFixed(2)} s`,
    );
  }
  const ratios = times.fleet.map((seconds, round) => seconds / (times.bare[round] ?? Number.NaN));
  const detail = `${resources} resources: ${median(times.fleet).toFixed(2)} s, bare ${median(times.bare).toFixed(2)} s`;
  return resultOf({ name: `preview, ${tenants} tenants`, unit: "x", target, detail }, ratios);
}

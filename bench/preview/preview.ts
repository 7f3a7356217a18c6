import { join } from "node:path";
import { repository } from "../../toolchain/setup/paths.mjs";
import { Engine, type Project } from "../engine.ts";
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

/** All previews take turns, starting with another one in every round, so that a busy machine slows them alike. */
async function compare(engine: Engine, tenants: number, progress: (text: string) => void): Promise<Result> {
  const ours = await engine.stack(fleet, `fleet-${tenants}`, fleetWith(tenants));
  const resources = await engine.resources(ours);
  const plain = await engine.stack(bare, `bare-${tenants}`, { resources, lean: false });
  const lean = await engine.stack(bare, `lean-${tenants}`, { resources, lean: true });
  await engine.time(plain);

  const measured = [ours, plain, lean].map((stack) => ({ stack, seconds: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < measured.length; turn++) {
      const next = measured[(round + turn) % measured.length];
      next?.seconds.push(await engine.time(next.stack));
    }
    const latest = measured.map(({ stack, seconds }) => `${stack.name} ${seconds.at(-1)?.toFixed(2)} s`);
    progress(`round ${round + 1} of ${rounds}: ${latest.join(", ")}`);
  }
  const [ourSeconds = [], plainSeconds = [], leanSeconds = []] = measured.map(({ seconds }) => seconds);
  const ratios = ourSeconds.map((seconds, round) => seconds / (plainSeconds[round] ?? Number.NaN));
  const [fleetTime, bareTime, leanTime] = [ourSeconds, plainSeconds, leanSeconds].map((seconds) =>
    median(seconds).toFixed(2),
  );
  const detail = `${resources} resources: ${fleetTime} s, bare ${bareTime} s, bare without mapped stacks ${leanTime} s`;
  return resultOf({ name: `preview, ${tenants} tenants`, unit: "x", target, detail }, ratios);
}

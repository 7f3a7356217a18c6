import { expect } from "vitest";
import { SEED } from "../../support/random-seed.ts";
import { Arena } from "./random-run.ts";

/** Databases that are worked in at a time. */
const LANES = 3;

/**
 * Random runs until the time is over, some at a time; fails with what a run did wrong and how to repeat it. A seed repeats
 * what is done to the nodes and when, not to a microsecond how they answer.
 */
export async function requireOrder(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const sums = { runs: 0, writes: 0, refused: 0, leaders: 0, claims: 0, syncs: 0 };
  const lane = async (name: number) => {
    await using arena = await Arena.create();
    for (let index = 0; index === 0 || performance.now() < end; index += 1) {
      const wrong = await arena.run(SEED, name, index);
      const repeated = `OWUI_PROPERTY_SEED=${SEED}, run ${index} of lane ${name}`;
      expect(wrong, `${repeated}: what was written is not ordered by its epochs`).toEqual([]);
      sums.runs += 1;
    }
    await arena.requireWork();
    const history = await arena.history();
    sums.writes += history.length;
    sums.refused += arena.refused;
    sums.leaders += history.filter(({ guard, write }) => guard === "lease" && write === "take").length;
    sums.claims += history.filter(({ guard, write }) => guard !== "lease" && write === "take").length;
    sums.syncs += history.filter(({ write }) => write === "replica").length;
  };
  await Promise.all(Array.from({ length: LANES }, (_, name) => lane(name)));
  console.log(
    `seed ${SEED}: ${sums.runs} runs, ${sums.writes} guarded writes, ${sums.leaders} leaders, ${sums.claims} claims, ` +
      `${sums.syncs} syncs committed, ${sums.refused} writes refused`,
  );
  // Or nothing was tried.
  expect(sums.leaders).toBeGreaterThan(sums.runs);
  expect(sums.syncs).toBeGreaterThan(sums.runs / 4);
}

import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SEED } from "../../support/random-seed.ts";
import { EvolvingDatabase } from "./evolving-database.ts";
import { operation } from "./operation.ts";
import { type Mishap, Rig } from "./rig.ts";

/** How long the random histories go on; a night's run sets more, a failing one is repeated by its seed. */
const SECONDS = Number(process.env.OWUI_PROPERTY_SECONDS ?? 20);
/** More than the time allows. */
const TENANTS = 3000;

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(TENANTS);
});
afterAll(() => rig[Symbol.asyncDispose]());

const mishap: fc.Arbitrary<Mishap> = fc.record({
  what: fc.constantFrom("postgres" as const, "agent" as const),
  behind: fc.nat({ max: 12 }),
});

/** What happens between two syncs, and what happens to the second. */
const stage = fc.record({
  operations: fc.array(operation, { maxLength: 8 }),
  mishap: fc.option(mishap, { freq: 4 }),
  agent: fc.oneof(
    { weight: 14, arbitrary: fc.constant("lives") },
    { weight: 2, arbitrary: fc.constantFrom("killed", "loses its state", "gets its older state") },
  ),
});
const history = fc.record({
  journal: fc.constantFrom("wal", "rollback"),
  pageSize: fc.constantFrom(512, 1024, 4096, 65_536),
  stages: fc.array(stage, { minLength: 1, maxLength: 6 }),
});

/** Does to the agent what a stage says; `older` is where a copy of its state lies. */
async function disturbAgent(what: string, older: string): Promise<void> {
  const state = rig.agent.path("state");
  if (what === "lives") {
    if (!existsSync(older)) cpSync(state, older, { recursive: true });
    return;
  }
  await rig.agent.stop("SIGKILL");
  if (what !== "killed") rmSync(state, { recursive: true });
  if (what === "gets its older state" && existsSync(older)) cpSync(older, state, { recursive: true });
  mkdirSync(state, { recursive: true });
  await rig.agent.run();
}

test(
  "through any history of contents, shapes, crashes and losses, what a successful sync leaves is equal",
  async () => {
    let syncs = 0;
    let failed = 0;
    const older = `${rig.agent.root}-older`;
    await fc.assert(
      fc.asyncProperty(history, async ({ journal, pageSize, stages }) => {
        const { id, path } = rig.newTenant();
        rmSync(older, { recursive: true, force: true });
        using database = new EvolvingDatabase(path, journal as "wal", pageSize);
        for (const { operations, mishap, agent } of stages) {
          for (const each of operations) database.apply(each);
          await disturbAgent(agent, older);
          if (mishap) {
            const ended = await rig.sync(id, mishap).then(
              () => true,
              () => false,
            );
            if (ended) await rig.requireEqual(id, path);
            else failed++;
          }
          await rig.syncWithin(id, 2);
          await rig.requireEqual(id, path);
          syncs++;
        }
      }),
      {
        seed: SEED,
        numRuns: 1_000_000,
        interruptAfterTimeLimit: SECONDS * 1000,
        markInterruptAsFailure: false,
      },
    );
    rmSync(older, { recursive: true, force: true });
    console.log(`seed ${SEED}: ${syncs} syncs compared, ${failed} broken off on purpose`);
    expect(syncs).toBeGreaterThan(0);
  },
  (SECONDS + 120) * 1000,
);

import * as z from "zod";
import type { RunningPostgres } from "../../tests/support/postgres-server.ts";
import { startServer } from "../../tests/support/postgres-server.ts";
import { type DoorNode, Pair } from "../../tests/sync-runtime/fence/pair.ts";
import { machineNow } from "../replicate/workbench.ts";
import { type Benchmark, type Result, resultOf } from "../result.ts";
import { watchIdle } from "./idle.ts";

/** Always due: whoever leads has something to write in its first moment. */
const CANARY = "canary";

/** Milliseconds; the slowest of all trials has to be below. */
const TARGETS = { lost: 5_000, graceful: 1_000 };

const Chosen = z.object({
  trials: z.coerce.number().int().min(1).max(1_000),
  idle: z.coerce.number().min(5).max(600),
});

/** How a leader ends, and how it comes back behind the trial. */
interface Ending {
  name: string;
  target: number;
  begin(leader: DoorNode): unknown;
  undo(leader: DoorNode): unknown;
}

const ENDINGS: Ending[] = [
  {
    name: "killed",
    target: TARGETS.lost,
    begin: ({ node }) => node.stop("SIGKILL"),
    undo: ({ node }) => node.run(),
  },
  {
    name: "paused",
    target: TARGETS.lost,
    begin: ({ node }) => node.signal("SIGSTOP"),
    undo: ({ node }) => node.signal("SIGCONT"),
  },
  {
    name: "cut off",
    target: TARGETS.lost,
    begin: ({ door }) => door.stall("to", "back"),
    undo: ({ door }) => door.flow(),
  },
  {
    name: "graceful",
    target: TARGETS.graceful,
    // Not awaited: what the leader has left to do when it handed over is its own business.
    begin: ({ node }) => node.signal("SIGTERM"),
    undo: async ({ node }) => {
      await node.stop();
      await node.run();
    },
  },
];

/** Milliseconds until the other node's first write that a lease guards, trial by trial. */
async function trialsOf(pair: Pair, { begin, undo }: Ending, trials: number): Promise<number[]> {
  const measured: number[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    const { leader, follower } = await pair.whole();
    const since = await pair.now();
    await begin(leader);
    measured.push(await pair.firstWrite(follower, since));
    await undo(leader);
    await pair.synced(since);
  }
  return measured;
}

async function failovers(
  { server }: RunningPostgres,
  trials: number,
  say: (text: string) => void,
): Promise<Result[]> {
  await using pair = await Pair.start({ tenants: ["acme", "globex", CANARY], server });
  await pair.fleet.nextJob(CANARY);
  await pair.keepDue(CANARY);
  const results: Result[] = [];
  for (const ending of ENDINGS) {
    say(`${ending.name}: ${trials} trials (${machineNow()})`);
    const times = await trialsOf(pair, ending, trials);
    const slowest = Math.max(...times);
    const { name, target } = ending;
    const question = {
      ...{ name: `leader ${name}: slowest`, unit: " ms", target },
      detail: `until the other's first guarded write; ${trials} trials, each a new leader`,
    };
    results.push({ ...resultOf(question, times), measured: Math.round(slowest), met: slowest <= target });
    results.push(resultOf({ ...question, name: `leader ${name}: median` }, times));
  }
  const wrong = await pair.violations();
  for (const violation of wrong) say(violation);
  const detail = "guarded writes out of the order of their epochs, and syncs lost or doubled, in all trials";
  return [
    ...results,
    resultOf({ name: "writes lost or doubled", unit: "", target: 0, detail }, [wrong.length]),
  ];
}

/** How long a cluster is without a leader, and what a pair costs that has nothing to do. */
export const failover: Benchmark = {
  about: "how long it takes until the other node writes when the leader is lost, and what an idle pair costs",
  options: {
    trials: { default: "50", about: "of each way to lose a leader" },
    idle: { default: "60", about: "seconds for which an idle pair is watched" },
  },
  async run(say, chosen) {
    const { trials, idle } = Chosen.parse(chosen);
    const postgres = await startServer({
      name: "owui-bench-failover",
      arguments: ["--tmpfs", "/var/lib/postgresql/data"],
      settings: ["track_commit_timestamp=on", "shared_preload_libraries=pg_stat_statements"],
    });
    try {
      const results = await failovers(postgres, trials, say);
      say(`an idle pair for ${idle} s (${machineNow()})`);
      return [...results, ...(await watchIdle(postgres, idle))];
    } finally {
      await postgres.stop();
    }
  },
};

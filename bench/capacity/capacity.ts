import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import {
  memoryBelow,
  memoryOf,
  processorSecondsBelow,
  processorSecondsOf,
} from "../replicate/process-usage.ts";
import { machineNow, Workbench } from "../replicate/workbench.ts";
import { type Benchmark, percentile, type Result, resultOf } from "../result.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";

/** Requests that the API's answer time is taken from. */
const REQUESTS = 200;
const SAMPLE_EVERY_MS = 2_000;
/** Of a webui.db on the workbench's scale: what makes it ask for the disk that a thousand replicas take. */
const MEGABYTES_PER_TENANT = 0.3;
const INTERVAL_S = 60;
const MB = 1e6;

const Chosen = z.object({
  tenants: z.coerce.number().int().min(1).max(10_000),
  hosts: z.coerce.number().int().min(1).max(500),
  minutes: z.coerce.number().min(0.5).max(600),
  changing: z.coerce.number().min(0.01).max(100),
});

/** What was seen while nothing but the schedule ran. */
interface Seen {
  seconds: number;
  /** Of every sync but each tenant's first: seconds behind the interval at which it began; early ones are below 0. */
  late: number[];
  statements: number;
  failed: number;
  history: number;
  nodes: { processor: number; memory: number }[];
  postgres: { processor: number; memory: number };
}

/** A node pair with as many tenants as a company may have, all at the shortest interval. */
export const capacity: Benchmark = {
  about: "one node pair with a thousand tenants at intervals of a minute; agents are simulated",
  options: {
    tenants: { default: "1000", about: "tenants, each with 43 tables" },
    hosts: { default: "20", about: "hosts they are spread over" },
    minutes: { default: "5", about: "how long it is watched, behind the first syncs" },
    changing: { default: "0.5", about: "percent of the tenants that change every minute" },
  },
  async run(say, chosen) {
    const { tenants, hosts, minutes, changing } = Chosen.parse(chosen);
    const choice = { megabytes: Math.ceil(tenants * MEGABYTES_PER_TENANT), rounds: 1 };
    const settings = ["shared_preload_libraries=pg_stat_statements", "max_connections=200"];
    await using bench = await Workbench.open(choice, say, settings);
    bench.progress(`measures on ${machineNow()}`);
    const fleet = await SimulatedFleet.start(bench, { tenants, hosts, interval: INTERVAL_S, changing });
    await firstSyncs(bench, fleet, tenants);
    const seen = await watch(bench, fleet, minutes * 60);
    const answers = await askStatus(fleet);
    bench.progress(`done (${machineNow()})`);
    return resultsOf(seen, answers, tenants);
  },
};

/** Waits until every replica is there, and once more through an interval, so that the start has passed. */
async function firstSyncs(bench: Workbench, fleet: SimulatedFleet, tenants: number): Promise<void> {
  for (let verified = 0, said = 0; verified < tenants; ) {
    verified = await fleet.number(
      "SELECT count(*) FROM sync_metadata.replicas WHERE verified_at IS NOT NULL",
    );
    if (verified >= said + tenants / 10 || verified === tenants) {
      bench.progress(`${verified} of ${tenants} replicas are made`);
      said = verified;
    }
    await pause(SAMPLE_EVERY_MS);
  }
  bench.progress("lets two intervals pass, so that the start is over");
  await pause(2 * INTERVAL_S * 1_000);
}

async function watch(bench: Workbench, fleet: SimulatedFleet, seconds: number): Promise<Seen> {
  const { nodes } = fleet;
  bench.progress(`watches for ${seconds} s (${machineNow()})`);
  await fleet.admin.query("SELECT pg_stat_statements_reset()");
  const used = () => [
    ...nodes.map(({ pid }) => processorSecondsOf(pid)),
    processorSecondsBelow(bench.postmaster),
  ];
  const before = used();
  const began = performance.now();
  const failedBefore = await failures(fleet);
  const memory = nodes.map(() => 0);
  const late: number[] = [];
  let last = await fleet.begun();
  while (performance.now() - began < seconds * 1_000) {
    await pause(SAMPLE_EVERY_MS);
    const now = await fleet.begun();
    for (const [tenant, at] of now) {
      const previous = last.get(tenant);
      if (previous !== undefined && at > previous) late.push(at - previous - INTERVAL_S);
    }
    last = now;
    for (const [index, { pid }] of nodes.entries())
      memory[index] = Math.max(memory[index] ?? 0, memoryOf(pid));
  }
  const elapsed = (performance.now() - began) / 1_000;
  const processor = used().map((after, index) => (after - (before[index] as number)) / elapsed);
  return {
    seconds: elapsed,
    late,
    statements: (await statementsOf(fleet)) / elapsed,
    failed: (await failures(fleet)) - failedBefore,
    history: await fleet.number("SELECT count(*) FROM sync_metadata.sync_jobs"),
    nodes: nodes.map((_, index) => ({ processor: processor[index] ?? 0, memory: memory[index] ?? 0 })),
    postgres: { processor: processor.at(-1) ?? 0, memory: memoryBelow(bench.postmaster) },
  };
}

const failures = (fleet: SimulatedFleet) =>
  fleet.number("SELECT count(*) FROM sync_metadata.sync_jobs WHERE status = 'failed'");

/** Statements of the nodes, transaction control included. */
const statementsOf = (fleet: SimulatedFleet) =>
  fleet.number("SELECT sum(calls) FROM pg_stat_statements WHERE userid = 'sync_main'::regrole AND toplevel");

/** Seconds that each of the status requests took. */
async function askStatus({ nodes: [node] }: SimulatedFleet): Promise<number[]> {
  const token = await node?.token("read");
  const times: number[] = [];
  for (let request = 0; request < REQUESTS; request++) {
    const began = performance.now();
    const { status } = (await node?.ask("GET", "/api/v1/sync/status", token)) ?? { status: 0 };
    if (status !== 200) throw new Error(`The status was answered with ${status}.`);
    times.push(performance.now() - began);
  }
  return times;
}

function resultsOf(seen: Seen, answers: number[], tenants: number): Result[] {
  const worst = (of: "processor" | "memory") => Math.max(...seen.nodes.map((node) => node[of]));
  const each = (of: "processor" | "memory", unit: number) =>
    seen.nodes.map((node) => (node[of] * unit).toFixed(1)).join(" and ");
  const postgres = `Postgres ${(seen.postgres.processor * 100).toFixed(0)} % of a core, ${(seen.postgres.memory / MB).toFixed(0)} MB anonymous`;
  return [
    resultOf(
      {
        name: "latest sync behind its interval",
        ...{ unit: " s", target: 5 },
        detail: `${seen.late.length} syncs in ${seen.seconds.toFixed(0)} s, p99 ${percentile(seen.late, 0.99).toFixed(1)} s, ${seen.failed} failed`,
      },
      [Math.max(...seen.late)],
    ),
    resultOf(
      {
        name: "processor of the busier node",
        ...{ unit: " %", target: 50 },
        detail: `${each("processor", 100)} % of a core; ${postgres}`,
      },
      [worst("processor") * 100],
    ),
    resultOf(
      {
        name: "memory of the larger node",
        ...{ unit: " MB", target: 100 },
        detail: `RssAnon at its highest, ${each("memory", 1 / MB)} MB`,
      },
      [worst("memory") / MB],
    ),
    resultOf(
      {
        name: "statements a second, both nodes",
        ...{ unit: "", target: 200 },
        detail: "as Postgres counts them",
      },
      [seen.statements],
    ),
    resultOf(
      {
        name: "status of all tenants over the API, p99",
        ...{ unit: " ms", target: 50 },
        detail: `${REQUESTS} requests, a connection each, median ${percentile(answers, 0.5).toFixed(1)} ms`,
      },
      [percentile(answers, 0.99)],
    ),
    resultOf(
      {
        name: "rows of the history, for each tenant",
        ...{ unit: "", target: 100 },
        detail: `${seen.history} in all; a run that found nothing new makes none`,
      },
      [seen.history / tenants],
    ),
  ];
}

import { setTimeout as pause } from "node:timers/promises";
import * as z from "zod";
import {
  childCount,
  memoryBelow,
  memoryOf,
  processorSecondsBelow,
  processorSecondsOf,
  sharedBelow,
} from "../replicate/process-usage.ts";
import { machineNow, Workbench } from "../replicate/workbench.ts";
import { type Benchmark, median, percentile, type Result, resultOf } from "../result.ts";
import { SimulatedFleet } from "./simulated-fleet.ts";
import { type StatusTimes, statusTimes } from "./status-times.ts";

const SAMPLE_EVERY_MS = 2_000;
/** As the stack's monitoring does. */
const SCRAPE_EVERY_S = 30;
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

/** What was used in one minute; shares are of a processor. */
interface Minute {
  /** Of each node. */
  nodes: number[];
  postgres: number;
  /** Statements a second, of both nodes. */
  statements: number;
}

/** What was seen while nothing but the schedule ran. */
interface Seen {
  seconds: number;
  /** Of every sync but each tenant's first: seconds behind the interval at which it began; early ones are below 0. */
  late: number[];
  minutes: Minute[];
  failed: number;
  /** Rows of sync_jobs. */
  history: number;
  /** Highest of each node, bytes. */
  memory: number[];
  postgres: { anonymous: number; shared: number | undefined; processes: number };
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
    bench.progress("asks for the status of all tenants, while they are synced");
    const answers = await statusTimes(fleet.nodes[0] as (typeof fleet.nodes)[number]);
    bench.progress(`done (${machineNow()})`);
    return [...resultsOf(seen, tenants), ...answers.map(answerResult)];
  },
};

/** Waits until every replica is there, and once more through two intervals, so that the start has passed. */
async function firstSyncs(bench: Workbench, fleet: SimulatedFleet, tenants: number): Promise<void> {
  const began = performance.now();
  for (let verified = 0, said = 0; verified < tenants; ) {
    await pause(SAMPLE_EVERY_MS);
    verified = await fleet.number(
      "SELECT count(*) FROM sync_metadata.replicas WHERE verified_at IS NOT NULL",
    );
    if (verified < said + tenants / 10 && verified < tenants) continue;
    const seconds = (performance.now() - began) / 1_000;
    bench.progress(
      `${verified} of ${tenants} replicas are made, ${(verified / seconds).toFixed(1)} a second`,
    );
    said = verified;
  }
  bench.progress("lets two intervals pass, so that the start is over");
  await pause(2 * INTERVAL_S * 1_000);
}

async function watch(bench: Workbench, fleet: SimulatedFleet, seconds: number): Promise<Seen> {
  const { nodes } = fleet;
  bench.progress(`watches for ${seconds} s (${machineNow()})`);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1_000;
  const failedBefore = await failures(fleet);
  const memory = nodes.map(() => 0);
  const late: number[] = [];
  const minutes: Minute[] = [];
  let last = await fleet.begun();
  let minute = await Usage.begin(bench, fleet);
  let scraped = 0;
  while (elapsed() < seconds) {
    await pause(SAMPLE_EVERY_MS);
    const now = await fleet.begun();
    for (const [tenant, at] of now) {
      const previous = last.get(tenant);
      if (previous !== undefined && at > previous) late.push(at - previous - INTERVAL_S);
    }
    last = now;
    if (elapsed() >= scraped) {
      await fleet.scrape();
      scraped += SCRAPE_EVERY_S;
    }
    for (const [index, { pid }] of nodes.entries())
      memory[index] = Math.max(memory[index] ?? 0, memoryOf(pid));
    if (minute.seconds < Math.min(60, seconds)) continue;
    minutes.push(await minute.end());
    minute = await Usage.begin(bench, fleet);
  }
  return {
    seconds: elapsed(),
    late,
    minutes,
    failed: (await failures(fleet)) - failedBefore,
    history: await fleet.number("SELECT count(*) FROM sync_metadata.sync_jobs"),
    memory,
    postgres: {
      anonymous: memoryBelow(bench.postmaster),
      shared: sharedBelow(bench.postmaster),
      processes: childCount(bench.postmaster),
    },
  };
}

/** What nodes and Postgres use from now on. */
class Usage {
  readonly #fleet: SimulatedFleet;
  readonly #used: () => number[];
  readonly #before: number[];
  readonly #began = performance.now();

  private constructor(fleet: SimulatedFleet, used: () => number[]) {
    this.#fleet = fleet;
    this.#used = used;
    this.#before = used();
  }

  static async begin(bench: Workbench, fleet: SimulatedFleet): Promise<Usage> {
    await fleet.admin.query("SELECT pg_stat_statements_reset()");
    const used = () => [
      processorSecondsBelow(bench.postmaster),
      ...fleet.nodes.map(({ pid }) => processorSecondsOf(pid)),
    ];
    return new Usage(fleet, used);
  }

  get seconds(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  async end(): Promise<Minute> {
    const { seconds } = this;
    const [postgres = 0, ...nodes] = this.#used().map(
      (after, index) => (after - (this.#before[index] as number)) / seconds,
    );
    return { nodes, postgres, statements: (await statementsOf(this.#fleet)) / seconds };
  }
}

const failures = (fleet: SimulatedFleet) =>
  fleet.number("SELECT count(*) FROM sync_metadata.sync_jobs WHERE status = 'failed'");

/** Statements of the nodes since they were last set to zero, transaction control included. */
const statementsOf = (fleet: SimulatedFleet) =>
  fleet.number("SELECT sum(calls) FROM pg_stat_statements WHERE userid = 'sync_main'::regrole AND toplevel");

function resultsOf(seen: Seen, tenants: number): Result[] {
  const { minutes, memory, postgres } = seen;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const ofPostgres = minutes.map(({ postgres }) => postgres);
  const shares = memory.map((_, node) => median(minutes.map(({ nodes }) => nodes[node] ?? Number.NaN)));
  const shared = postgres.shared === undefined ? "unknown" : (postgres.shared / MB).toFixed(0);
  const memoryOfPostgres = `${(postgres.anonymous / MB).toFixed(0)} MB anonymous in ${postgres.processes} processes, ${shared} MB shared`;
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
        detail: `of a core, minute by minute: ${shares.map(percent).join(" and ")}; Postgres ${ofPostgres.map(percent).join(", ")}`,
      },
      minutes.map(({ nodes }) => Math.max(...nodes) * 100),
    ),
    resultOf(
      {
        name: "memory of the larger node",
        ...{ unit: " MB", target: 100 },
        detail: `RssAnon at its highest, ${memory.map((bytes) => (bytes / MB).toFixed(1)).join(" and ")} MB; Postgres ${memoryOfPostgres}`,
      },
      [Math.max(...memory) / MB],
    ),
    resultOf(
      {
        name: "statements a second, both nodes",
        ...{ unit: "", target: 200 },
        detail: "as Postgres counts them, minute by minute",
      },
      minutes.map(({ statements }) => statements),
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

const answerResult = ({ what, kept, ms, bytes }: StatusTimes): Result =>
  resultOf(
    {
      name: `status of ${what}, ${kept ? "connection kept" : "a connection each"}, p99`,
      ...{ unit: " ms", target: 50 },
      detail: `${ms.length} requests, median ${median(ms).toFixed(1)} ms, slowest ${Math.max(...ms).toFixed(1)} ms, ${(bytes / 1000).toFixed(0)} kB`,
    },
    [percentile(ms, 0.99)],
  );

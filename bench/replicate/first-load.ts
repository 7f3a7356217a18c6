import { randomBytes } from "node:crypto";
import pg from "pg";
import { median, type Result, resultOf } from "../result.ts";
import { type CopyFormat, exportRows, loadWithCopy } from "./copy-baseline.ts";
import { type Compression, loadWithPgloader, requirePgloader } from "./pgloader.ts";
import { processorSecondsBelow, processorSecondsOf } from "./process-usage.ts";
import { type Replica, Source } from "./replication.ts";
import { machineNow, type Workbench } from "./workbench.ts";

/** What one load took. */
interface Load {
  seconds: number;
  /** Of everything it left in its schema, indexes and TOAST included. */
  diskBytes: number;
  walBytes: number;
  /** Seconds of processor of Postgres, all its processes. */
  postgres: number;
  /** Of agent, reader and node, where they are what loads. */
  programs?: { host: number; node: number };
}

/** One of those who load the same rows, and what it took in every round. */
interface Contender {
  name: string;
  load(): Promise<Load>;
  loads: Load[];
}

/** A replica's first load beside pgloader and COPY: time, bytes on disk, WAL. */
export async function firstLoad(bench: Workbench): Promise<Result[]> {
  await requirePgloader(bench.progress);
  const path = bench.source("wal");
  await using source = await Source.start(bench, path);
  source.application.exec("SELECT 1");

  bench.progress("loads once to have the rows for COPY; not counted");
  const rows = await exportAll(bench, source);
  const pgloader = (compression: Compression) => () =>
    intoEmpty(bench, ({ database, server }) =>
      loadWithPgloader(path, { ...server, database }, { compression, folder: bench.folder, rows }),
    );
  const copy = (format: CopyFormat) => () =>
    intoEmpty(bench, ({ database }) => loadWithCopy(bench, database, format));
  const ours = contender("replica", () => replicaLoad(bench, source));
  const stock = contender("pgloader", pgloader("pglz"));
  const lz4 = contender("pgloader with lz4", pgloader("lz4"));
  const text = contender("COPY", copy("text"));
  const binary = contender("binary COPY", copy("binary"));
  await takeTurns(bench, [ours, stock, text, lz4, binary]);

  const times = `${secondsOf(ours)} s for ${rows} rows`;
  return [
    resultOf(
      {
        name: "first load, speed beside pgloader",
        ...{ unit: "x", target: 2.5, bound: ">=" },
        detail: `${times}, pgloader ${secondsOf(stock)} s, texts compressed as the server does by itself (pglz)`,
      },
      ratios(stock, ours, "seconds"),
    ),
    resultOf(
      {
        name: "first load, speed beside pgloader with lz4",
        ...{ unit: "x", target: 2.5, bound: ">=" },
        detail: `${times}, pgloader told to have texts compressed with lz4 ${secondsOf(lz4)} s`,
      },
      ratios(lz4, ours, "seconds"),
    ),
    resultOf(
      {
        name: "first load, speed beside COPY",
        ...{ unit: "x", target: 0.55, bound: ">=" },
        detail: `aim 0.7; ${times}, psql's COPY ${secondsOf(text)} s, as binary ${secondsOf(binary)} s; ${processorOf(ours, text)}`,
      },
      ratios(text, ours, "seconds"),
    ),
    resultOf(
      {
        name: "bytes on disk beside COPY's",
        ...{ unit: "x", target: 1.2 },
        detail: `${megabytesOf(ours, "diskBytes")} MB, COPY's tables ${megabytesOf(text, "diskBytes")} MB`,
      },
      ratios(ours, text, "diskBytes"),
    ),
    resultOf(
      {
        name: "WAL written beside COPY's",
        ...{ unit: "x", target: 1.3 },
        detail: `${megabytesOf(ours, "walBytes")} MB, COPY ${megabytesOf(text, "walBytes")} MB`,
      },
      ratios(ours, text, "walBytes"),
    ),
  ];
}

const contender = (name: string, load: () => Promise<Load>): Contender => ({ name, load, loads: [] });

/** Every contender once in every round, starting with another one each time, so that a busy machine slows them alike. */
async function takeTurns(bench: Workbench, contenders: Contender[]): Promise<void> {
  for (let round = 0; round < bench.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const next = contenders[(round + turn) % contenders.length] as Contender;
      const load = await next.load();
      next.loads.push(load);
      bench.progress(
        `round ${round + 1} of ${bench.rounds}: ${next.name} ${load.seconds.toFixed(2)} s (${machineNow()})`,
      );
    }
  }
}

/** Loads a replica once and writes its rows into files; gives their number. */
async function exportAll(bench: Workbench, source: Source): Promise<number> {
  await using replica = await source.replicate(bench);
  const { rows } = await replica.firstSync();
  await exportRows(bench, replica);
  return rows;
}

async function replicaLoad(bench: Workbench, source: Source): Promise<Load> {
  let replica: Replica | undefined;
  const { pid } = source.agent;
  const host = processorSecondsOf(pid);
  try {
    const load = await costs(bench, "tenant_bench", async () => {
      replica = await source.replicate(bench);
      const { seconds } = await replica.firstSync();
      return { seconds, admin: replica.admin };
    });
    const node = processorSecondsOf((replica as Replica).node.pid);
    return { ...load, programs: { host: processorSecondsOf(pid) - host, node } };
  } finally {
    await replica?.[Symbol.asyncDispose]();
  }
}

/** Runs a load into a database made for it, and drops that. */
async function intoEmpty(
  bench: Workbench,
  load: (target: { database: string; server: Workbench["server"] }) => Promise<number>,
): Promise<Load> {
  const { server } = bench;
  const database = `beside_${randomBytes(4).toString("hex")}`;
  await withClient(bench, "postgres", (root) => root.query(`CREATE DATABASE ${database} TEMPLATE template0`));
  try {
    return await costs(bench, "public", async () => {
      const seconds = await load({ database, server });
      return { seconds, admin: database };
    });
  } finally {
    await withClient(bench, "postgres", (root) => root.query(`DROP DATABASE ${database} WITH (FORCE)`));
  }
}

/** Runs a load behind a checkpoint, and looks at what it left in `schema`. */
async function costs(
  bench: Workbench,
  schema: string,
  load: () => Promise<{ seconds: number; admin: pg.Client | string }>,
): Promise<Load> {
  return withClient(bench, "postgres", async (root) => {
    await root.query("CHECKPOINT");
    const used = processorSecondsBelow(bench.postmaster);
    const { rows: before } = await root.query("SELECT pg_current_wal_insert_lsn() AS lsn");
    const { seconds, admin } = await load();
    const { rows: after } = await root.query(
      "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1) AS bytes",
      [before[0].lsn],
    );
    const diskBytes = await (typeof admin === "string"
      ? withClient(bench, admin, (client) => bytesIn(client, schema))
      : bytesIn(admin, schema));
    const postgres = processorSecondsBelow(bench.postmaster) - used;
    return { seconds, diskBytes, walBytes: Number(after[0].bytes), postgres };
  });
}

async function bytesIn(client: pg.Client, schema: string): Promise<number> {
  const { rows } = await client.query(
    `SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class
     WHERE relnamespace = $1::regnamespace AND relkind = 'r'`,
    [schema],
  );
  return Number(rows[0].bytes);
}

async function withClient<T>(
  bench: Workbench,
  database: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ ...bench.server, database });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Who used how much processor; what two of them can share is the machine's. */
function processorOf(ours: Contender, copy: Contender): string {
  const seconds = (loads: Load[], of: (load: Load) => number | undefined) =>
    median(loads.map((load) => of(load) ?? Number.NaN)).toFixed(1);
  const host = seconds(ours.loads, ({ programs }) => programs?.host);
  const node = seconds(ours.loads, ({ programs }) => programs?.node);
  const [postgres, beside] = [ours, copy].map(({ loads }) => seconds(loads, (load) => load.postgres));
  return `processor: agent and reader ${host} s, node ${node} s with its start, Postgres ${postgres} s, for COPY ${beside} s`;
}

type Figure = "seconds" | "diskBytes" | "walBytes";

/** `of` divided by `beside`, round by round. */
const ratios = (of: Contender, beside: Contender, figure: Figure): number[] =>
  of.loads.map((load, round) => load[figure] / (beside.loads[round]?.[figure] ?? Number.NaN));

const secondsOf = ({ loads }: Contender): string => median(loads.map(({ seconds }) => seconds)).toFixed(2);

const megabytesOf = ({ loads }: Contender, figure: "diskBytes" | "walBytes"): string =>
  (median(loads.map((load) => load[figure])) / 1e6).toFixed(1);

import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { RunningPostgres } from "../../tests/support/postgres-server.ts";
import { Pair } from "../../tests/sync-runtime/fence/pair.ts";
import { processorSecondsOf } from "../replicate/process-usage.ts";
import { type Result, resultOf } from "../result.ts";

const TENANTS = ["acme", "globex"];

/** What a pair costs whose tenants are due in an hour: processor of each node, and statements. */
export async function watchIdle({ server }: RunningPostgres, seconds: number): Promise<Result[]> {
  await using pair = await Pair.start({ tenants: TENANTS, interval: "1 h", server });
  for (const tenant of TENANTS) await pair.fleet.nextJob(tenant);
  // Nothing but the nodes speaks to their database now; the counting is asked for in another.
  const observer = new pg.Client({ ...server, database: "postgres" });
  await observer.connect();
  await observer.query("CREATE EXTENSION pg_stat_statements");
  const look = async () => ({
    processor: pair.nodes.map(({ node }) => processorSecondsOf(node.pid)),
    statements: await statementsOf(observer, pair.fleet.database.name),
    at: performance.now(),
  });
  const before = await look();
  await pause(seconds * 1000);
  const after = await look();
  await observer.end();
  const passed = (after.at - before.at) / 1000;
  const cores = after.processor.map((used, node) => ((used - (before.processor[node] ?? 0)) / passed) * 100);
  return [
    resultOf(
      { name: "idle node: processor", unit: " % of a core", target: 2, detail: "of each node" },
      cores,
    ),
    resultOf(
      {
        name: "idle node: statements a second",
        unit: "",
        target: 2,
        detail: "the mean of leader and follower",
      },
      [(after.statements - before.statements) / passed / pair.nodes.length],
    ),
  ];
}

/** Statements that were run in a database so far. */
async function statementsOf(observer: pg.Client, database: string): Promise<number> {
  const { rows } = await observer.query(
    "SELECT sum(s.calls)::int AS made FROM pg_stat_statements AS s JOIN pg_database AS d ON d.oid = s.dbid WHERE d.datname = $1",
    [database],
  );
  return rows[0].made;
}

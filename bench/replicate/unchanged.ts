import { request } from "node:https";
import { buffer } from "node:stream/consumers";
import { median, type Result, resultOf } from "../result.ts";
import { bytesReadBy, processorSecondsOf } from "./process-usage.ts";
import { Source, TENANT } from "./replication.ts";
import type { Workbench } from "./workbench.ts";

const CALLS = 200;
/** No reader of a table, not even of one, stays below it: its program alone is larger. */
const NO_TABLE_KB = 64;

/** What the agent does when nothing has changed: time, bytes, and what it read to know it. */
export async function unchanged(bench: Workbench): Promise<Result[]> {
  await using source = await Source.start(bench, bench.source("wal"));
  source.application.exec("SELECT 1");
  await using replica = await source.replicate(bench);
  bench.progress("first load, not counted");
  await replica.firstSync();
  const committed = await replica.committed();
  const { agent } = source;

  const rounds = [];
  for (let round = 0; round < bench.rounds; round++) {
    bench.progress(`${CALLS} answers that nothing has changed, round ${round + 1} of ${bench.rounds}`);
    const before = {
      read: bytesReadBy(agent.pid),
      cpu: processorSecondsOf(agent.pid),
      ...(await timed(source)),
    };
    let wire = 0;
    for (let call = 0; call < CALLS; call++) wire += await ask(source, committed);
    const after = {
      read: bytesReadBy(agent.pid),
      cpu: processorSecondsOf(agent.pid),
      ...(await timed(source)),
    };
    if (after.count - before.count !== CALLS)
      throw new Error(`Only ${after.count - before.count} of ${CALLS} answers were "unchanged".`);
    rounds.push({
      milliseconds: ((after.seconds - before.seconds) / CALLS) * 1000,
      cpuMilliseconds: ((after.cpu - before.cpu) / CALLS) * 1000,
      kilobytesRead: (after.read - before.read) / CALLS / 1000,
      wire: wire / CALLS,
    });
  }
  const cpu = median(rounds.map(({ cpuMilliseconds }) => cpuMilliseconds)).toFixed(2);
  return [
    resultOf(
      {
        name: "unchanged, agent's time",
        ...{ unit: " ms", target: 5 },
        detail: `mean of ${CALLS} answers, each on a connection of its own; with its handshake ${cpu} ms of processor`,
      },
      rounds.map(({ milliseconds }) => milliseconds),
    ),
    resultOf(
      {
        name: "unchanged, read by the agent",
        ...{ unit: " KB", target: NO_TABLE_KB },
        detail: `everything its process read per answer, connection included; the database has ${bench.megabytes} MB`,
      },
      rounds.map(({ kilobytesRead }) => kilobytesRead),
    ),
    resultOf(
      { name: "unchanged, the answer", unit: " bytes", target: 300, detail: "body; nothing else follows" },
      rounds.map(({ wire }) => wire),
    ),
  ];
}

/** Asks once over a new connection; gives the bytes of the answer's body. */
function ask({ agent }: Source, committed: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({
      ...{ host: "127.0.0.1", port: agent.port, servername: "localhost", agent: false },
      ...{ ca: agent.authority.certificate, cert: agent.node.certificate, key: agent.node.key },
      ...{ method: "POST", path: `/v1/tenants/${TENANT}/changes` },
    });
    asked.once("response", (answer) => buffer(answer).then((body) => resolve(body.length), reject));
    asked.once("error", reject).end(JSON.stringify({ committed }));
  });
}

/** The agent's own count and seconds of unchanged answers. */
async function timed({ agent }: Source): Promise<{ count: number; seconds: number }> {
  const { body } = await agent.get("/metrics");
  const value = (name: string) =>
    Number(
      new RegExp(`^agent_changes_seconds_${name}\\{[^}]*result="unchanged"[^}]*\\} (\\S+)$`, "m").exec(
        body,
      )?.[1] ?? 0,
    );
  return { count: value("count"), seconds: value("sum") };
}

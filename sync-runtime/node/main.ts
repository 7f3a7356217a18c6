/**
 * One node of the sync pair: `node main.ts [config]`. Runs until SIGTERM or SIGINT, then hands over: the lease is
 * released, running syncs are broken off for the other node to take, the connections are closed.
 */
import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { Certificates } from "../certificates.ts";
import { AgentClient } from "./agent-client.ts";
import { ApiServer } from "./api/server.ts";
import { Garbage } from "./garbage.ts";
import { Lease } from "./lease.ts";
import { Metrics } from "./metrics.ts";
import { type NodeConfig, readNodeConfig } from "./node-config.ts";
import type { NodeContext } from "./node-context.ts";
import { Postgres } from "./postgres.ts";
import { Retention } from "./retention.ts";
import { Scheduler } from "./scheduler.ts";
import { systemClock } from "./service.ts";
import { StateCache } from "./state-cache.ts";
import { Worker } from "./worker.ts";
import { WriterClient } from "./writer-client.ts";

const DEFAULT_CONFIG = "/etc/fleet/node.json";
/** Connections beside those of the running syncs: beat, schedule, claim. */
const SHORT_CONNECTIONS = 3;
/** Connections of the API, its own: whoever asks too much of it delays no beat and no sync. */
const API_CONNECTIONS = 3;
/** Time to hand over; below the ten seconds after which Docker kills. */
const HANDOVER_MS = 8_000;

/** Runs a node until the signal aborts and everything is put away. */
async function runNode(config: NodeConfig, signal: AbortSignal): Promise<void> {
  const run = randomUUID();
  const log = pino({
    base: { node: config.node, run },
    timestamp: pino.stdTimeFunctions.isoTime,
    // No more of an error than this: Postgres' details can quote a tenant's data.
    serializers: { err: ({ name, code, message }) => ({ name, code, message }) },
  });
  const connections = config.parallel + SHORT_CONNECTIONS;
  const certificates = new Certificates(config.tls, log);
  const see = certificates.see.bind(certificates);
  const postgres = new Postgres(config.database, connections, `run:${run}:${config.node}`, log, see);
  const asked = new Postgres(config.database, API_CONNECTIONS, `run:${run}:${config.node}:api`, log);
  const metrics = new Metrics([config.tls.certificate, config.tls.ca], () => certificates.shown);
  const agents = new AgentClient(certificates, (host, reached) =>
    metrics.agentUnreachable.set({ host }, Number(!reached)),
  );
  const { cluster, node } = config;
  const context: NodeContext = {
    ...{ cluster, node, run, postgres, log, timing: config.lease },
    clock: systemClock,
    random: Math.random,
    metrics,
  };
  const writers = new WriterClient(certificates);
  const worker = new Worker(context, agents, writers, config.parallel);
  const states = new StateCache({ ...context, postgres: asked });
  const lease = new Lease(context, {
    hear: ({ cancelled, events, waiting }) => {
      worker.cancel(cancelled);
      if (waiting) worker.look();
      states.hear(events);
    },
    miss: () => states.miss(),
  });
  const services = [
    certificates,
    lease,
    new Scheduler(context, lease),
    new Retention(context, lease),
    worker,
    new Garbage(context),
    new ApiServer({ ...context, postgres: asked }, config, certificates, { lease, states, agents }),
  ];
  try {
    await Promise.all(services.map((service) => service.run(signal)));
  } finally {
    agents.close();
    writers.close();
    await Promise.all([postgres.close(), asked.close()]);
    log.info("ended");
  }
}

const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.once(name, () => {
    stop.abort();
    // A statement that will not end keeps nobody waiting; what it did rolls back with the connection.
    setTimeout(() => process.exit(1), HANDOVER_MS).unref();
  });

try {
  await runNode(readNodeConfig(process.argv[2] ?? DEFAULT_CONFIG), stop.signal);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

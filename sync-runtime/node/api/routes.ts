import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { SILENCE_S } from "../job.ts";
import type { Lease } from "../lease.ts";
import type { NodeContext } from "../node-context.ts";
import { ApiProblem } from "./problem.ts";
import type { Scope, TokenGate } from "./token.ts";

const ClusterNode = z.object({
  id: z.string(),
  leader: z.boolean(),
  /** Of the leader's lease; null for the others. */
  epoch: z.coerce.number().nullable(),
  seen_at: z.date(),
});

const SyncStatus = z
  .object({
    id: z.string(),
    host: z.string(),
    interval: z.number(),
    paused: z.boolean(),
    status: z.string().nullable(),
    finished_at: z.date().nullable(),
    error: z.string().nullable(),
    verified_at: z.date().nullable(),
    tables: z.number(),
    rows: z.coerce.number(),
    equal: z.boolean(),
  })
  .transform(({ id, host, interval, paused, status, finished_at, error, ...replica }) => ({
    id,
    host,
    interval,
    paused,
    last: status === null ? null : { status, finished_at, ...(error === null ? {} : { error }) },
    replica,
  }));

/** The node's HTTP interface. Only `/health` is open; it tells who leads, and nothing about tenants. */
export function addRoutes(
  server: FastifyInstance,
  context: NodeContext,
  lease: Lease,
  gate: TokenGate,
): void {
  const { postgres, node, metrics } = context;
  const allowed = (scope: Scope) => ({
    onRequest: (request: FastifyRequest) => gate.require(request.headers.authorization, scope),
  });
  const nodes = async () => z.array(ClusterNode).parse(await postgres.rows("cluster-nodes", [SILENCE_S]));

  server.get("/health", async () => {
    // A node that cannot reach Postgres is alive and answers; it just leads nobody.
    const leader = (await nodes().catch(() => undefined))?.find(({ leader }) => leader);
    return {
      status: leader ? "ok" : "degraded",
      node,
      is_leader: lease.epoch !== undefined,
      leader_id: leader?.id ?? null,
      epoch: leader?.epoch ?? null,
    };
  });

  server.get("/metrics", allowed("read"), async (_, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });

  server.get("/api/v1/cluster", allowed("read"), async () => ({ nodes: await nodes() }));

  server.get("/api/v1/sync/status", allowed("read"), async () => ({
    tenants: z.array(SyncStatus).parse(await postgres.rows("sync-status")),
  }));

  server.post<{ Params: { tenant: string } }>(
    "/api/v1/sync/trigger/:tenant",
    allowed("operate"),
    async (request, reply) => {
      const { tenant } = request.params;
      const [job] = await postgres.rows("trigger-sync", [tenant]);
      if (!job) throw new ApiProblem(404, "Not Found", `This cluster has no tenant ${tenant}.`);
      reply.code(202);
      return { tenant };
    },
  );
}

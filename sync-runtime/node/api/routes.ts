import type { FastifyInstance, FastifyRequest } from "fastify";
import * as z from "zod";
import { SILENCE_S } from "../job.ts";
import type { Lease } from "../lease.ts";
import type { NodeContext } from "../node-context.ts";
import { refreshReplicaMetrics } from "../replica-metrics.ts";
import { ApiProblem } from "./problem.ts";
import { Difference, HistoryQuery, PastSync, SyncStatus } from "./sync-view.ts";
import type { Scope, TokenGate } from "./token.ts";

const ClusterNode = z.object({
  id: z.string(),
  leader: z.boolean(),
  /** Of the leader's lease; null for the others. */
  epoch: z.coerce.number().nullable(),
  seen_at: z.date(),
});

const QueuedJob = z.object({ id: z.string() });
const Acceptance = z.strictObject({ held: z.uuid() });
const JobRoute = z.object({ job: z.string().regex(/^[1-9]\d{0,17}$/) });
const Accepted = z.object({ accepted: z.boolean() });

interface TenantRoute {
  Params: { tenant: string };
}

/** The node's HTTP interface. Only `/health` is open; it tells who leads, and nothing about tenants. */
export function addRoutes(
  server: FastifyInstance,
  context: NodeContext,
  lease: Lease,
  gate: TokenGate,
): void {
  const { postgres, node, metrics, log } = context;
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
    // While Postgres is away they stay as they were; what this node counts is told all the same.
    await refreshReplicaMetrics(metrics, postgres).catch((error) =>
      log.warn({ err: error }, "metrics of replicas were not refreshed"),
    );
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });

  server.get("/api/v1/cluster", allowed("read"), async () => ({ nodes: await nodes() }));

  server.get("/api/v1/sync/status", allowed("read"), async () => ({
    tenants: z.array(SyncStatus).parse(await postgres.rows("sync-status")),
  }));

  server.get("/api/v1/sync/history", allowed("read"), async (request) => {
    const { client, limit } = parse(HistoryQuery, request.query, "client=<tenant>, limit=<1 to 1000>");
    return { jobs: z.array(PastSync).parse(await postgres.rows("sync-history", [client ?? null, limit])) };
  });

  server.get<{ Params: { job: string } }>(
    "/api/v1/sync/differences/:job",
    allowed("read"),
    async (request) => {
      const { job } = parse(JobRoute, request.params, "a job's number");
      return { differences: z.array(Difference).parse(await postgres.rows("sync-differences", [job])) };
    },
  );

  /** Queues a job of one tenant and answers which. */
  const queued = async (statement: string, tenant: string) => {
    const [row] = await postgres.rows(statement, [tenant]);
    if (!row) throw new ApiProblem(404, "Not Found", `This cluster has no tenant ${tenant}.`);
    return { tenant, job: QueuedJob.parse(row).id };
  };

  server.post<TenantRoute>("/api/v1/sync/trigger/:tenant", allowed("operate"), async (request, reply) => {
    reply.code(202);
    return queued("trigger-sync", request.params.tenant);
  });

  server.post<TenantRoute>("/api/v1/sync/verify/:tenant", allowed("operate"), async (request, reply) => {
    reply.code(202);
    return queued("trigger-verify", request.params.tenant);
  });

  server.post<TenantRoute>("/api/v1/sync/accept/:tenant", allowed("operate"), async (request, reply) => {
    const { tenant } = request.params;
    const { held } = parse(Acceptance, request.body, 'a body {"held": "<id of what is held>"}');
    await accept(tenant, held);
    log.warn({ tenant, held }, "an operator accepted what the replica was held for");
    reply.code(202);
    return queued("trigger-sync", tenant);
  });

  /** Takes the operator's decision about one hold, and about no other. */
  const accept = async (tenant: string, held: string) => {
    const known = z.array(SyncStatus).parse(await postgres.rows("sync-status"));
    if (!known.some(({ id }) => id === tenant))
      throw new ApiProblem(404, "Not Found", `This cluster has no tenant ${tenant}.`);
    const [row] = await postgres.rows("accept-hold", [tenant, held]);
    if (!Accepted.parse(row).accepted)
      throw new ApiProblem(
        409,
        "Conflict",
        `The replica of ${tenant} is not held for ${held}, or no longer: nothing was accepted. Look at what it is held for now.`,
      );
  };
}

/** What came with a request, or the word for what should have come. */
function parse<T>(schema: z.ZodType<T>, value: unknown, expected: string): T {
  const { success, data } = schema.safeParse(value);
  if (!success) throw new ApiProblem(400, "Bad Request", `Send ${expected}.`);
  return data;
}

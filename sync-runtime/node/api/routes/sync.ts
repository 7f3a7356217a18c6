import { setImmediate as turn } from "node:timers/promises";
import * as z from "zod";
import type { Statements } from "../../postgres.ts";
import { onPostgres, readDeployment } from "../../tenant-state.ts";
import { Next, pageOf, paging, rowsOf } from "../page.ts";
import { ApiProblem } from "../problem.ts";
import { JsonText, route } from "../route.ts";
import { SyncStatus } from "../sync-view.ts";
import { TenantId, TenantPath, unknownTenant } from "../tenant.ts";

const QueuedJob = z.object({ id: z.string() });
const Accepted = z.object({ accepted: z.boolean() });

/** The job that does what was asked for. */
const Queued = z.object({ tenant: z.string(), job: z.string() });

/** Tenants of a page that is worth keeping for a second. */
const LONG = 20;
/** Tenants that are written in one turn, so that a thousand hold up nobody else. */
const AT_A_TIME = 100;

/** A page of statuses as JSON. */
async function statusText(rows: readonly unknown[], next: string | null): Promise<string> {
  const tenants: string[] = [];
  for (const [nth, row] of rows.entries()) {
    if (nth > 0 && nth % AT_A_TIME === 0) await turn();
    tenants.push(JSON.stringify(SyncStatus.parse(row)));
  }
  return `{"tenants":[${tenants.join(",")}],"next":${JSON.stringify(next)}}`;
}

const Cancelled = z.object({
  /** Each is cancelled already, or running for the second or two until its node hears of it. */
  jobs: z.array(z.object({ job: z.string(), status: z.enum(["cancelled", "running"]) })),
});

/** Queues a job of one tenant and answers which. */
async function queue(
  postgres: Statements,
  statement: string,
  tenant: string,
): Promise<z.infer<typeof Queued>> {
  const [row] = await postgres.rows(statement, [tenant]);
  if (!row) {
    const deployment = await readDeployment(postgres, tenant);
    if (deployment?.live_database != null) throw new ApiProblem("not-synced", onPostgres(tenant));
    throw unknownTenant(tenant);
  }
  return { tenant, job: QueuedJob.parse(row).id };
}

export const syncRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/sync/status",
      scope: "read",
      summary: "Tell how every tenant's replica stands, by the tenants' ids",
      description:
        "A page of twenty tenants or more may be as old as a second; it is never older than a write that this node answered before, " +
        "or an event that it told. What is asked of one tenant, and a shorter page, is as it is now.",
      query: z.strictObject({
        client: TenantId.optional().describe("One tenant's only"),
        ...paging,
        after: TenantId.optional().describe("Continue behind this tenant: `next` of the page before"),
      }),
      answer: z.object({ tenants: z.array(SyncStatus), next: Next }),
    },
    async ({ query: { client, after, limit } }, { postgres, states }) => {
      const read = async () => {
        const rows = await postgres.rows("sync-status", [client ?? null, rowsOf(limit), after ?? null]);
        const { page, next } = pageOf(rows, limit);
        return { answer: await statusText(page, next), keep: client === undefined && page.length >= LONG };
      };
      const question = JSON.stringify([client, after, limit]);
      return new JsonText(await states.statuses.answer(question, read));
    },
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/trigger/{tenant}",
      scope: "operate",
      summary: "Sync a tenant now",
      description: "A sync that waits for its time already is brought forward.",
      params: TenantPath,
      answer: Queued,
      status: 202,
      problems: ["unknown-tenant", "not-synced"],
    },
    ({ params }, { postgres }) => queue(postgres, "trigger-sync", params.tenant),
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/verify/{tenant}",
      scope: "operate",
      summary: "Verify a tenant's replica deeply now",
      description: "Every row is read back, compared with the source and repaired.",
      params: TenantPath,
      answer: Queued,
      status: 202,
      problems: ["unknown-tenant", "not-synced"],
    },
    ({ params }, { postgres }) => queue(postgres, "trigger-verify", params.tenant),
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/accept/{tenant}",
      scope: "operate",
      summary: "Accept what a replica is held for",
      description:
        "Takes the operator's decision about one hold, and about no other; the next sync goes through.",
      params: TenantPath,
      body: z.strictObject({ held: z.uuid().describe("Id of what the replica is held for") }),
      answer: Queued,
      status: 202,
      problems: ["unknown-tenant", "not-synced", "not-held-for-this"],
    },
    async ({ params: { tenant }, body: { held } }, { postgres, log }) => {
      const known = await postgres.rows("deployments", [tenant]);
      if (known.length === 0) throw unknownTenant(tenant);
      const [row] = await postgres.rows("accept-hold", [tenant, held]);
      if (!Accepted.parse(row).accepted)
        throw new ApiProblem(
          "not-held-for-this",
          `The replica of ${tenant} is not held for ${held}, or no longer: nothing was accepted. Look at what it is held for now.`,
        );
      log.warn({ tenant, held }, "an operator accepted what the replica was held for");
      return queue(postgres, "trigger-sync", tenant);
    },
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/cancel/{tenant}",
      scope: "operate",
      summary: "Cancel what waits and what runs of a tenant's syncs",
      description:
        "What a running sync did rolls back within a second or two, and its job ends as `cancelled` with no retry. " +
        "The replica keeps what it had; the next sync comes at its interval. No jobs: there was nothing to cancel.",
      params: TenantPath,
      answer: Cancelled,
      status: 202,
      problems: ["unknown-tenant"],
    },
    async ({ params: { tenant }, caller }, { postgres, log }) => {
      const [row] = await postgres.rows("cancel-sync", [tenant, caller.subject]);
      if (!row) throw unknownTenant(tenant);
      const { jobs } = Cancelled.parse(row);
      if (jobs.length > 0) log.info({ tenant, jobs, by: caller.subject }, "an operator cancelled syncs");
      return { jobs };
    },
  ),
];

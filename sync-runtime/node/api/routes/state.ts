import * as z from "zod";
import {
  asleep,
  awake,
  Deployment,
  IllegalMoveError,
  MovedMeanwhileError,
  moveTenant,
  State,
} from "../../tenant-state.ts";
import { ApiProblem } from "../problem.ts";
import { type ApiContext, type Call, route } from "../route.ts";
import { TenantId, TenantPath, unknownTenant } from "../tenant.ts";

const Reason = z.string().max(1000).default("").describe("Why, for whoever looks later");
const Why = z.strictObject({ reason: Reason }).optional();

/** One tenant's state, as it is answered. */
const TenantState = Deployment.pick({ client: true, status: true, since: true, by: true, reason: true });

/** Moves a tenant for a caller and answers its state behind that. */
async function move(
  { postgres, log }: ApiContext,
  { caller: { subject: actor } }: Pick<Call<unknown, unknown, unknown>, "caller">,
  { tenant, target, reason }: { tenant: string; target: (now: Deployment) => State; reason: string },
): Promise<Deployment> {
  try {
    const moved = await moveTenant(postgres, tenant, target, { actor, reason });
    if (!moved) throw unknownTenant(tenant);
    log.info({ tenant, state: moved.status, by: moved.by }, "an operator set a tenant's state");
    return moved;
  } catch (error) {
    if (error instanceof IllegalMoveError || error instanceof MovedMeanwhileError)
      throw new ApiProblem(error.code, error.message);
    throw error;
  }
}

const problems = ["unknown-tenant", "illegal-move", "moved-meanwhile"] as const;

export const stateRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/state",
      scope: "read",
      summary: "Tell where every tenant is in its life",
      query: z.strictObject({ client: TenantId.optional().describe("One tenant's only") }),
      answer: z.object({ tenants: z.array(TenantState) }),
      problems: ["unknown-tenant"],
    },
    async ({ query: { client } }, { states }) => {
      if (client === undefined) return { tenants: await states.deployments() };
      const deployment = await states.deployment(client);
      if (!deployment) throw unknownTenant(client);
      return { tenants: [deployment] };
    },
  ),
  route(
    {
      method: "PUT",
      path: "/api/v1/state",
      scope: "operate",
      summary: "Move a tenant to another state of its life",
      description:
        "Only legal moves are made, each with a record of who wanted it; a tenant that is there already stays as it is. " +
        "Retiring a tenant is done by removing its entry from the stack's config.",
      body: z.strictObject({ client: TenantId, status: State, reason: Reason }),
      answer: TenantState,
      problems,
    },
    (call, api) =>
      move(api, call, {
        tenant: call.body.client,
        target: () => call.body.status,
        reason: call.body.reason,
      }),
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/pause/{tenant}",
      scope: "operate",
      summary: "Pause a tenant's syncs",
      description:
        "A sync that runs goes on to its end (cancel breaks it off); from then on the tenant is synced only when asked for. " +
        "It stays paused over every `up` that says nothing new about pausing it.",
      params: TenantPath,
      body: Why,
      answer: TenantState,
      problems,
    },
    (call, api) =>
      move(api, call, {
        tenant: call.params.tenant,
        target: asleep,
        reason: call.body?.reason ?? "",
      }),
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/resume/{tenant}",
      scope: "operate",
      summary: "Resume a tenant's syncs",
      params: TenantPath,
      body: Why,
      answer: TenantState,
      problems,
    },
    (call, api) =>
      move(api, call, { tenant: call.params.tenant, target: awake, reason: call.body?.reason ?? "" }),
  ),
];

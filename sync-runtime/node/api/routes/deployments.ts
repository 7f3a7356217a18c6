import * as z from "zod";
import type { Inventory } from "../../../protocol/message.ts";
import { reconcile } from "../../reconcile.ts";
import { Host } from "../../state-cache.ts";
import { Deployment } from "../../tenant-state.ts";
import { type ApiContext, route } from "../route.ts";

/** An agent that has not said within this what lies on its host is shown as one that could not be asked. */
const INVENTORY_MS = 3_000;

const Difference = z.enum(["host-not-reached", "not-found", "found-elsewhere", "no-database", "no-identity"]);

/** A tenant as it is declared, and what its host's agent says of it. */
const ReconciledTenant = z.object({
  declared: Deployment.omit({ verified: true }),
  reported: z
    .object({
      identity: z.string().nullable(),
      database: z.object({ exists: z.boolean(), bytes: z.number(), modified_at: z.string().nullable() }),
    })
    .nullable(),
  differences: z.array(Difference),
});

/** What the agents of the hosts report; undefined of those that could not be asked in time. */
export async function inventories(
  { states, agents, log }: ApiContext,
  milliseconds = INVENTORY_MS,
): Promise<Map<string, Inventory | undefined>> {
  const hosts = (await states.hosts()).filter(({ status }) => status === "active");
  const asked = hosts.map(async ({ host, address, identity }) => {
    const inventory = await agents
      .inventory({ host, address, identity }, AbortSignal.timeout(milliseconds))
      .catch((error) => log.warn({ err: error, host }, "a host's inventory was not to be had"));
    return [host, inventory ?? undefined] as const;
  });
  return new Map(await Promise.all(asked));
}

export const deploymentRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/hosts",
      scope: "read",
      summary: "List the hosts that the stack's config declares",
      answer: z.object({ hosts: z.array(Host) }),
    },
    async (_, { states }) => ({ hosts: await states.hosts() }),
  ),
  route(
    {
      method: "GET",
      path: "/api/v1/deployments",
      scope: "read",
      summary: "Lay what is declared beside what the hosts' agents report",
      description:
        "Every agent is asked now, for three seconds at most. Differences are shown and nothing is done about them. " +
        "`undeclared` is data that agents found of tenants without an entry, retired ones among them.",
      answer: z.object({
        tenants: z.array(ReconciledTenant),
        undeclared: z.array(z.object({ host: z.string(), client: z.string() })),
      }),
    },
    async (_, api) => {
      const [declared, reported] = [await api.states.deployments(), await inventories(api)];
      const { tenants, undeclared } = reconcile(declared, reported);
      const shown = tenants.map(({ reported: found, ...tenant }) => ({
        ...tenant,
        reported: found && { identity: found.identity?.id ?? null, database: found.database },
      }));
      return { tenants: shown, undeclared };
    },
  ),
];

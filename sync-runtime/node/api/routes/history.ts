import * as z from "zod";
import { route } from "../route.ts";
import { Difference, PastSync } from "../sync-view.ts";
import { TenantId } from "../tenant.ts";

export const historyRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/sync/history",
      scope: "read",
      summary: "List jobs that began, newest first",
      query: z.strictObject({
        client: TenantId.optional().describe("One tenant's only"),
        limit: z.coerce.number().int().min(1).max(1000).default(50).describe("How many at most"),
      }),
      answer: z.object({ jobs: z.array(PastSync) }),
    },
    async ({ query: { client, limit } }, { postgres }) => ({
      jobs: await postgres.rows("sync-history", [client ?? null, limit]),
    }),
  ),
  route(
    {
      method: "GET",
      path: "/api/v1/sync/differences/{job}",
      scope: "read",
      summary: "List the rows that a deep verification found to differ",
      params: z.object({ job: z.string().regex(/^[1-9]\d{0,17}$/, "Not a job's number") }),
      answer: z.object({ differences: z.array(Difference) }),
    },
    async ({ params: { job } }, { postgres }) => ({
      differences: await postgres.rows("sync-differences", [job]),
    }),
  ),
];

import * as z from "zod";
import { Next, pageOf, paging, RowId, rowsOf } from "../page.ts";
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
        ...paging,
      }),
      answer: z.object({ jobs: z.array(PastSync), next: Next }),
    },
    async ({ query: { client, after, limit } }, { postgres }) => {
      const rows = await postgres.rows("sync-history", [client ?? null, rowsOf(limit), after ?? null]);
      const { page, next } = pageOf(rows, limit);
      return { jobs: page, next };
    },
  ),
  route(
    {
      method: "GET",
      path: "/api/v1/sync/differences/{job}",
      scope: "read",
      summary: "List the rows that a deep verification found to differ",
      params: z.object({ job: RowId }),
      query: z.strictObject(paging),
      answer: z.object({ differences: z.array(Difference), next: Next }),
    },
    async ({ params: { job }, query: { after, limit } }, { postgres }) => {
      const rows = await postgres.rows("sync-differences", [job, after ?? null, rowsOf(limit)]);
      const { page, next } = pageOf(rows, limit);
      return { differences: page, next };
    },
  ),
];

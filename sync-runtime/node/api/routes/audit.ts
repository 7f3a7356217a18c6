import * as z from "zod";
import { Next, pageOf, paging, rowsOf } from "../page.ts";
import { route } from "../route.ts";
import { TenantId } from "../tenant.ts";

/** A row of audit-log.sql. */
const AuditRecord = z.object({
  id: z.string(),
  at: z.date(),
  subject: z.string().describe("Who: the token's sub"),
  token: z.string().describe("The token's jti"),
  method: z.string(),
  route: z.string(),
  path: z.string(),
  tenant: z.string().nullable(),
  status: z.number().describe("What it was answered with; above 399 nothing was done"),
  problem: z.string().nullable(),
  node: z.string(),
  request: z.string().describe("The occurrence, as a problem's `instance` names it"),
  address: z
    .string()
    .nullable()
    .describe("From where it came; null where that was not recorded yet, or differed"),
  times: z.coerce
    .number()
    .describe("How many equal ones it stands for; above 1 only where the token was refused"),
});

export const auditRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/audit",
      scope: "admin",
      summary: "List what was written through this API, newest first",
      description:
        "Every write that a token allowed, whether it was made or not, for a year. Writes that were refused for their token (401, 403) follow within half a minute and are kept for 30 days; equal ones are one record with `times`, and beyond five different ones at a time the others are one record of `(several)`. A request that was refused for its form is not a write.",
      query: z.strictObject({
        subject: z.string().min(1).max(200).optional().describe("One caller's only"),
        client: TenantId.optional().describe("About one tenant only"),
        ...paging,
      }),
      answer: z.object({ records: z.array(AuditRecord), next: Next }),
    },
    async ({ query: { subject, client, after, limit } }, { postgres }) => {
      const filters = [subject ?? null, client ?? null, after ?? null];
      const { page, next } = pageOf(await postgres.rows("audit-log", [...filters, rowsOf(limit)]), limit);
      return { records: page, next };
    },
  ),
];

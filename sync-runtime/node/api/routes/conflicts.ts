import * as z from "zod";
import { DOCUMENT, FieldDiff } from "../../conflict/field-diff.ts";
import { SHOWN } from "../../conflict/shown.ts";
import type { Statements } from "../../postgres.ts";
import { onPostgres, readDeployment } from "../../tenant-state.ts";
import { Conflict, ConflictDiff } from "../conflict-view.ts";
import { Column, EditedRow, requireColumns } from "../edited-row.ts";
import { Next, pageOf, paging, RowId, rowsOf } from "../page.ts";
import { ApiProblem } from "../problem.ts";
import { route } from "../route.ts";
import { TenantId } from "../tenant.ts";

const ConflictPath = z.object({ id: RowId });
const Resolved = z.object({ resolved: z.boolean() });
const QueuedJob = z.object({ id: z.string() });

async function conflictOf(postgres: Statements, id: string): Promise<Conflict> {
  const [row] = await postgres.rows("conflicts", [null, null, null, 1, id]);
  if (!row)
    throw new ApiProblem(
      "not-found",
      `This cluster has no conflict ${id}, or it was resolved more than 30 days ago.`,
    );
  return Conflict.parse(row);
}

/** What there is to do about a conflict that does not wait any more. */
function notPending({ id, winner, decided_by, superseded_by }: Conflict): ApiProblem {
  return superseded_by
    ? new ApiProblem(
        "not-pending",
        `Conflict ${id} was superseded: the row changed once more. Look at conflict ${superseded_by} and decide that one.`,
      )
    : new ApiProblem(
        "not-pending",
        `Conflict ${id} was resolved already, by ${decided_by}: ${winner} won. Nothing was changed. ` +
          "Who wants another outcome edits the row in the replica; the next sync opens a conflict about it.",
      );
}

/** SQLSTATEs of a value that its column cannot hold, and of a row that is not the one in conflict. */
const UNFIT = /^22/;

/** Gives Postgres the operator's word; false: it does not wait any more. */
async function resolve(
  postgres: Statements,
  id: string,
  { accept, row, by }: { accept: "source" | "remote"; row: EditedRow | null; by: string },
): Promise<boolean> {
  try {
    const edited = row && JSON.stringify(row);
    const [answer] = await postgres.rows("resolve-conflict", [id, accept, edited, by]);
    return Resolved.parse(answer).resolved;
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    if (!UNFIT.test(code)) throw error;
    throw new ApiProblem("invalid-request", `The row cannot be taken: ${message}. Nothing was changed.`);
  }
}

export const conflictRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/sync/conflicts",
      scope: "read",
      summary: "List rows that others than the nodes changed in a replica, newest first",
      query: z.strictObject({
        client: TenantId.optional().describe("One tenant's only"),
        status: z.enum(["pending", "resolved"]).optional().describe("Whether they wait for an operator"),
        ...paging,
      }),
      answer: z.object({ conflicts: z.array(Conflict), next: Next }),
    },
    async ({ query: { client, status, after, limit } }, { postgres }) => {
      const waiting = status === undefined ? null : status === "pending";
      const parameters = [client ?? null, waiting, after ?? null, rowsOf(limit), null];
      const { page, next } = pageOf(await postgres.rows("conflicts", parameters), limit);
      return { conflicts: page, next };
    },
  ),
  route(
    {
      method: "GET",
      path: "/api/v1/sync/conflicts/{id}/diff",
      scope: "read",
      summary: "Show one conflict field by field",
      params: ConflictPath,
      answer: ConflictDiff,
      problems: ["not-found"],
    },
    async ({ params: { id } }, { postgres }) => ({
      conflict: await conflictOf(postgres, id),
      fields: z.array(FieldDiff).parse(await postgres.rows("conflict-fields", [id, SHOWN, DOCUMENT])),
    }),
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/sync/resolve/{id}",
      scope: "operate",
      summary: "Decide a conflict that waits",
      description:
        "`accept` takes the source's row or the one that others left; `row` takes the latter with some columns changed. " +
        "The sync that is queued with this applies it, unless the source changes the row before that: then the conflict is opened anew.",
      params: ConflictPath,
      body: z.union([
        z.strictObject({ accept: z.enum(["source", "remote"]).describe("Whose row stands in the replica") }),
        z.strictObject({ row: EditedRow.describe("Columns with the values they are to have") }),
      ]),
      answer: z.object({ conflict: z.string(), client: z.string(), job: z.string() }),
      status: 202,
      problems: ["not-found", "not-pending", "not-synced"],
    },
    async ({ params: { id }, body, caller }, { postgres, log }) => {
      const conflict = await conflictOf(postgres, id);
      if (conflict.winner !== "pending") throw notPending(conflict);
      // No sync would ever apply it.
      const deployment = await readDeployment(postgres, conflict.client);
      if (deployment?.live_database != null) throw new ApiProblem("not-synced", onPostgres(conflict.client));
      const row = "row" in body ? body.row : null;
      if (row) requireColumns(row, z.array(Column).parse(await postgres.rows("conflict-columns", [id])));
      const accept = "accept" in body ? body.accept : "remote";
      if (!(await resolve(postgres, id, { accept, row, by: caller.subject })))
        throw notPending(await conflictOf(postgres, id));
      const { client } = conflict;
      log.warn(
        { tenant: client, conflict: id, accept, edited: row !== null, by: caller.subject },
        "an operator decided a conflict",
      );
      const [queued] = await postgres.rows("trigger-sync", [client]);
      return { conflict: id, client, job: QueuedJob.parse(queued).id };
    },
  ),
];

import * as z from "zod";
import type { Statements } from "../../postgres.ts";
import { Next, pageOf, paging, RowId, rowsOf } from "../page.ts";
import { ApiProblem } from "../problem.ts";
import { route } from "../route.ts";
import { TenantId, TenantPath, unknownTenant } from "../tenant.ts";

const Name = z.string().regex(/^[a-z][a-z-]{0,39}$/, "Not a name: lower-case letters and hyphens");
const Facts = z.record(z.string().max(100), z.unknown()).describe("JSON without secrets, 64 kB at most");
const Runner = z.strictObject({
  run: z.uuid().describe("Made anew by each process that works on operations"),
  name: z.string().min(1).max(200).describe("What people call it"),
});
const OperationPath = z.object({ operation: RowId });

/** A row of operations.sql. */
const Operation = z.object({
  id: z.string(),
  client: z.string(),
  kind: z.string(),
  request: z.record(z.string(), z.unknown()).describe("What was asked for"),
  found: z.record(z.string(), z.unknown()).describe("What steps found out for those behind them"),
  steps: z.array(z.string()),
  done: z.number().describe("How many of the steps are done"),
  abortable: z.number().describe("Up to how many done steps it can be aborted"),
  status: z.enum(["running", "stopped", "undoing", "done", "aborted"]),
  by: z.string(),
  abort_asked_by: z.string().nullable(),
  runner: z.string().describe("Who works on it, or did last"),
  held: z.boolean().describe("Whether its runner was heard of within the last minute"),
  error: z.string().nullable().describe("Why it stopped last"),
  begun_at: z.date(),
  changed_at: z.date(),
  ended_at: z.date().nullable(),
});
type Operation = z.infer<typeof Operation>;

const Begun = z.object({ operation: z.string().nullable() });
const Taken = z.object({ taken: z.boolean() });
const Reported = z.object({ abort: z.string().nullable() });
const Asked = z.object({ asked: z.boolean() });

async function operationsOf(
  postgres: Statements,
  { id = null, client = null, open = false }: { id?: string | null; client?: string | null; open?: boolean },
): Promise<Operation[]> {
  return z.array(Operation).parse(await postgres.rows("operations", [id, client, open, null, 1]));
}

async function readOperation(postgres: Statements, id: string): Promise<Operation> {
  const [operation] = await operationsOf(postgres, { id });
  if (!operation) throw new ApiProblem("unknown-operation", `This cluster has no operation ${id}.`);
  return operation;
}

/** `backup 12, at step 2 of 5 (snapshot), which ana began and ops-host (pid 7) works on` */
const inWords = ({ id, kind, steps, done, status, by, runner, held, changed_at }: Operation): string => {
  const at = `step ${Math.min(done + 1, steps.length)} of ${steps.length} (${steps[Math.min(done, steps.length - 1)]})`;
  const who = held ? `${runner} works on it` : `nobody works on it since ${changed_at.toISOString()}`;
  return `${kind} ${id}, ${status} at ${at}, which ${by} began; ${who}`;
};

export const operationRoutes = [
  route(
    {
      method: "GET",
      path: "/api/v1/operations",
      scope: "read",
      summary: "List long operations on tenants, newest first",
      query: z.strictObject({
        client: TenantId.optional().describe("One tenant's only"),
        open: z.enum(["true", "false"]).default("false").describe("Only those that have not ended"),
        ...paging,
      }),
      answer: z.object({ operations: z.array(Operation), next: Next }),
    },
    async ({ query: { client, open, after, limit } }, { postgres }) => {
      const filters = [null, client ?? null, open === "true", after ?? null];
      const { page, next } = pageOf(await postgres.rows("operations", [...filters, rowsOf(limit)]), limit);
      return { operations: page, next };
    },
  ),
  route(
    {
      method: "GET",
      path: "/api/v1/operations/{operation}",
      scope: "read",
      summary: "Tell how one operation stands",
      params: OperationPath,
      answer: Operation,
      problems: ["unknown-operation"],
    },
    ({ params: { operation } }, { postgres }) => readOperation(postgres, operation),
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/operations/begin/{tenant}",
      scope: "operate",
      summary: "Begin a long operation on a tenant, whose steps the caller does",
      description:
        "A tenant has one operation at a time, and its runner has it for a minute behind each report. The node keeps what the runner says and does none of the steps itself.",
      params: TenantPath,
      body: z
        .strictObject({
          kind: Name,
          request: Facts,
          steps: z.array(Name).min(1).max(50),
          abortable: z.int().min(0).max(50),
          runner: Runner,
        })
        .refine(({ steps, abortable }) => abortable <= steps.length, {
          path: ["abortable"],
          message: "More than there are steps",
        }),
      answer: Operation,
      status: 202,
      problems: ["unknown-tenant", "tenant-busy"],
    },
    async ({ params: { tenant }, body, caller }, { postgres, log }) => {
      if ((await postgres.rows("deployments", [tenant])).length === 0) throw unknownTenant(tenant);
      const { kind, request, steps, abortable, runner } = body;
      const [row] = await postgres.rows("begin-operation", [
        ...[tenant, kind, JSON.stringify(request), steps, abortable],
        ...[caller.subject, runner.run, runner.name],
      ]);
      const { operation } = Begun.parse(row);
      if (operation === null) {
        const [open] = await operationsOf(postgres, { client: tenant, open: true });
        throw new ApiProblem(
          "tenant-busy",
          `Something else works on ${tenant}: ${open ? inWords(open) : "it ended this moment"}. Nothing was begun.`,
        );
      }
      log.info({ tenant, operation, kind, by: caller.subject }, "an operation began");
      return readOperation(postgres, operation);
    },
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/operations/take/{operation}",
      scope: "operate",
      summary: "Take an operation on that nobody works on, to go on with it or to undo it",
      params: OperationPath,
      body: z.strictObject({ runner: Runner, undo: z.boolean().default(false) }),
      answer: Operation,
      status: 202,
      problems: ["unknown-operation", "not-to-be-had"],
    },
    async ({ params: { operation }, body: { runner, undo }, caller }, { postgres, log }) => {
      const before = await readOperation(postgres, operation);
      const parameters = [operation, runner.run, runner.name, undo, caller.subject];
      const [row] = await postgres.rows("take-operation", parameters);
      if (!Taken.parse(row).taken) throw new ApiProblem("not-to-be-had", whyNot(before, undo));
      log.info({ tenant: before.client, operation, undo, by: caller.subject }, "an operation was taken on");
      return readOperation(postgres, operation);
    },
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/operations/report/{operation}",
      scope: "operate",
      summary: "Record how far an operation is, and hold it for another minute",
      params: OperationPath,
      body: z.strictObject({
        run: z.uuid(),
        done: z.int().min(0).max(50).optional().describe("How many steps are done now"),
        found: Facts.optional().describe("Added to what was found before"),
        outcome: z.enum(["stopped", "done", "aborted"]).optional(),
        error: z.string().max(4000).optional(),
      }),
      answer: z.object({
        abort: z.string().nullable().describe("Who wants it aborted; null: nobody"),
      }),
      status: 202,
      problems: ["unknown-operation", "not-to-be-had", "impossible-report"],
    },
    async ({ params: { operation }, body: { run, done, found, outcome, error } }, { postgres }) => {
      const before = await readOperation(postgres, operation);
      const facts = found === undefined ? null : JSON.stringify(found);
      try {
        const [row] = await postgres.rows("report-operation", [
          ...[operation, run, done ?? null, facts, outcome ?? null, error ?? null],
        ]);
        const { abort } = Reported.parse(row);
        if (abort === null)
          throw new ApiProblem(
            "not-to-be-had",
            `Operation ${operation} is not this run's any more: ${inWords(before)}. Nothing was recorded; stop working on it.`,
          );
        return { abort: abort === "" ? null : abort };
      } catch (cause) {
        if ((cause as { code?: string }).code !== CHECK_VIOLATION) throw cause;
        throw new ApiProblem(
          "impossible-report",
          `Operation ${operation} cannot be so: ${inWords(before)}. Nothing was recorded.`,
        );
      }
    },
  ),
  route(
    {
      method: "POST",
      path: "/api/v1/operations/abort/{operation}",
      scope: "operate",
      summary: "Ask whoever works on an operation to take back what it did",
      description:
        "Its runner hears of it with its next report. Where nobody works on it, take it on with `undo`.",
      params: OperationPath,
      answer: Operation,
      status: 202,
      problems: ["unknown-operation", "not-to-be-had"],
    },
    async ({ params: { operation }, caller }, { postgres, log }) => {
      const before = await readOperation(postgres, operation);
      const [row] = await postgres.rows("abort-operation", [operation, caller.subject]);
      if (!Asked.parse(row).asked) throw new ApiProblem("not-to-be-had", whyNot(before, true));
      log.info({ tenant: before.client, operation, by: caller.subject }, "an operation is to be aborted");
      return readOperation(postgres, operation);
    },
  ),
];

/** What Postgres says of a row that breaks a rule of its table. */
const CHECK_VIOLATION = "23514";

/** Why an operation cannot be taken on, or aborted. */
function whyNot(operation: Operation, undo: boolean): string {
  const { id, ended_at, held, done, abortable, abort_asked_by, status } = operation;
  if (ended_at) return `Operation ${id} has ended: it is ${status}.`;
  if (undo && abort_asked_by === null && done > abortable)
    return `Operation ${id} is past where it can be aborted: ${inWords(operation)}. It can only be finished.`;
  if (!undo && abort_asked_by !== null) return `Operation ${id} is to be aborted: it can only be undone.`;
  return held
    ? `Somebody has operation ${id}: ${inWords(operation)}.`
    : `Somebody else has taken operation ${id} on this moment.`;
}

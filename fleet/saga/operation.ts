import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { FleetOutputs } from "../../toolchain/commands/fleet-outputs.ts";
import { type Call, fromAnyNode, type Sent } from "../../toolchain/commands/node-api.ts";
import { CommandError } from "../../toolchain/setup/problem.mjs";

/** A long operation as the nodes have it (docs/api.md). */
export const Operation = z.object({
  id: z.string(),
  client: z.string(),
  kind: z.string(),
  request: z.record(z.string(), z.unknown()),
  found: z.record(z.string(), z.unknown()),
  steps: z.array(z.string()),
  done: z.number(),
  abortable: z.number(),
  status: z.enum(["running", "stopped", "undoing", "done", "aborted"]),
  by: z.string(),
  abort_asked_by: z.string().nullable(),
  runner: z.string(),
  held: z.boolean(),
  error: z.string().nullable(),
  begun_at: z.string(),
  changed_at: z.string(),
  ended_at: z.string().nullable(),
});
export type Operation = z.infer<typeof Operation>;

/** What steps keep for those behind them; no secrets: it is kept in Postgres for ever. */
export type Facts = Record<string, z.core.util.JSONType>;

/** Who works on operations: one process. */
export interface Runner {
  /** UUID, made anew by each process. */
  run: string;
  name: string;
}

/** How far a runner is. */
export interface Report {
  done?: number;
  found?: Facts;
  outcome?: "stopped" | "done" | "aborted";
  error?: string;
}

const List = z.object({ operations: z.array(Operation) });
const Reported = z.object({ abort: z.string().nullable() });

/** What an error may have of text, in Postgres. */
const LONGEST_ERROR = 4_000;

/** The nodes' record of operations. What a node refuses is a RefusedError with its kind. */
export class Operations {
  readonly #call: Call;

  /** @param call asks a node, any of them, and goes on asking for a while */
  constructor(call: Call) {
    this.#call = call;
  }

  async list(filter: { client?: string | undefined; open?: boolean } = {}): Promise<Operation[]> {
    const query = new URLSearchParams({
      limit: "100",
      ...(filter.client === undefined ? {} : { client: filter.client }),
      ...(filter.open ? { open: "true" } : {}),
    });
    return List.parse(await this.#call("GET", `/api/v1/operations?${query}`)).operations;
  }

  async get(id: string): Promise<Operation> {
    return Operation.parse(await this.#call("GET", `/api/v1/operations/${id}`));
  }

  /** Begins one; refused as `tenant-busy` where another is open. */
  async begin(
    tenant: string,
    wanted: { kind: string; request: Facts; steps: readonly string[]; abortable: number; runner: Runner },
  ): Promise<Operation> {
    return Operation.parse(await this.#post(`begin/${tenant}`, wanted));
  }

  /** Takes one on; refused as `not-to-be-had` where somebody has it, or it has ended. */
  async take(id: string, runner: Runner, undo: boolean): Promise<Operation> {
    return Operation.parse(await this.#post(`take/${id}`, { runner, undo }));
  }

  /** Records how far it is; answers who wants it aborted. Refused as `not-to-be-had` where it is the run's no more. */
  async report(id: string, { run }: Runner, report: Report): Promise<string | null> {
    const { error } = report;
    const body = { run, ...report, ...(error === undefined ? {} : { error: error.slice(0, LONGEST_ERROR) }) };
    return Reported.parse(await this.#post(`report/${id}`, body)).abort;
  }

  async abort(id: string): Promise<Operation> {
    return Operation.parse(await this.#post(`abort/${id}`));
  }

  /** The key lets a write whose answer was lost be sent again. */
  #post(path: string, body?: unknown): Promise<unknown> {
    return this.#call("POST", `/api/v1/operations/${path}`, { body, key: randomUUID() });
  }
}

/** For how long no node may answer, and how often they are asked: a change of leader or an `up` takes seconds. */
const silenceMs = 40_000;
const againMs = 1_000;

/** No node answers: what was done is not recorded, and whoever takes the operation on does the last step again. */
export class SilentNodesError extends CommandError {
  override name = "SilentNodesError";
}

/** The record that a stack's nodes keep. */
export const operationsOf = (outputs: FleetOutputs): Operations =>
  new Operations(async (method: "GET" | "POST", path: string, sent: Sent = {}) => {
    const until = performance.now() + silenceMs;
    for (;;) {
      const scope = method === "GET" ? "read" : "operate";
      // An answer may be anything but nothing: nodes answer objects.
      const answer = await fromAnyNode(outputs, scope, (call) => call(method, path, sent));
      if (answer !== undefined) return answer;
      if (performance.now() > until)
        throw new SilentNodesError(
          "\n  ✗ No node answers.\n    why:    they keep the record of long operations.\n    remedy: look at `npm run status`; `npm run up` starts what is missing.",
        );
      await sleep(againMs);
    }
  });

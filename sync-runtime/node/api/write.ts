import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import * as z from "zod";
import { LOCK_NOT_AVAILABLE, type Postgres, type Statements } from "../postgres.ts";
import { ApiProblem, problemOf } from "./problem.ts";
import type { ApiContext, Call, Route } from "./route.ts";

/** A write that a caller may make, as it was declared and as it came. */
export interface Write {
  route: Route;
  call: Call<never, never, never, never>;
  request: FastifyRequest;
}

/** An answer as it is sent, and as it is kept. */
export interface WrittenAnswer {
  status: number;
  /** JSON. */
  answer: string;
  /** Whether it was given before, to the same request. */
  replayed: boolean;
}

const Kept = z.object({ digest: z.instanceof(Buffer), status: z.number(), answer: z.string() });

/** What a client may send as Idempotency-Key. */
const KEY = /^[\x21-\x7e]{1,200}$/;

/**
 * Makes writes: what one does, its record in the audit log and its kept answer are one transaction. One that comes again
 * with the same key within a day is answered as before and does nothing; two at once, on either node, are one.
 */
export class Writer {
  readonly #api: ApiContext;
  readonly #transaction: Postgres["transaction"];

  /** @param transaction runs statements that take effect together or not at all */
  constructor(api: ApiContext, transaction: Postgres["transaction"]) {
    this.#api = api;
    this.#transaction = transaction;
  }

  async make(write: Write): Promise<WrittenAnswer> {
    try {
      const key = keyOf(write.request);
      return await this.#transaction(async (postgres) => {
        const kept = key === undefined ? undefined : await keptAnswer(postgres, write, key);
        if (kept) return kept;
        const made = await this.#handle(postgres, write);
        await this.#record(postgres, write, { status: made.status });
        if (key !== undefined) await keepAnswer(postgres, write, key, made);
        return made;
      });
    } catch (error) {
      const problem = this.#problemOf(error, write);
      // Nothing was done; that it was tried is recorded as well as possible.
      await this.#record(this.#api.postgres, write, { status: problem.status, problem: problem.kind }).catch(
        (error) => this.#api.log.error({ err: error, request: write.request.id }, "a write was not recorded"),
      );
      throw problem;
    } finally {
      // Before anybody hears of the write; also where it is not known whether it was committed.
      const { states } = this.#api;
      const tenant = tenantOf(write.call);
      if (tenant !== null) states.forget("deployment", tenant);
      // What was decided about a conflict names none.
      states.statuses.forget();
    }
  }

  async #handle(postgres: Statements, { route, call }: Write): Promise<WrittenAnswer> {
    const given = await route.handle(call, { ...this.#api, postgres });
    const answer = JSON.stringify(route.answer.parse(given));
    return { status: route.status ?? 200, answer, replayed: false };
  }

  #problemOf(error: unknown, { request }: Write): ApiProblem {
    return (error as { code?: string }).code === LOCK_NOT_AVAILABLE
      ? new ApiProblem("under-way", "Something else that has to end first still works on it. Send it again.")
      : problemOf(error, request, this.#api.log);
  }

  async #record(
    postgres: Statements,
    { route: { method, path }, call, request }: Write,
    { status, problem = null }: { status: number; problem?: string | null },
  ): Promise<void> {
    const { subject, token } = call.caller;
    await postgres.rows("record-write", [
      ...[subject, token, method, path, request.url, tenantOf(call)],
      ...[status, problem, this.#api.node, request.id, request.ip, 1],
    ]);
  }
}

/** The key that a client gave a request, so that it can send it again. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined || (typeof key === "string" && KEY.test(key))) return key;
  throw new ApiProblem("invalid-request", "The header is not as the route declares it, see errors.", {
    errors: [{ parameter: "Idempotency-Key", detail: "Send 1 to 200 visible characters of ASCII" }],
  });
}

/** What the request was answered before; waits while it is being worked on elsewhere. */
async function keptAnswer(
  postgres: Statements,
  write: Write,
  key: string,
): Promise<WrittenAnswer | undefined> {
  const name = nameOf(write, key);
  await postgres.rows("lock-request", name);
  const [row] = await postgres.rows("kept-answer", name);
  if (row === undefined) return undefined;
  const { digest, status, answer } = Kept.parse(row);
  if (digest.equals(digestOf(write.request))) return { status, answer, replayed: true };
  throw new ApiProblem(
    "key-reused",
    "The Idempotency-Key was sent with another request. Give each request a key of its own.",
  );
}

const keepAnswer = (postgres: Statements, write: Write, key: string, { status, answer }: WrittenAnswer) =>
  postgres.rows("keep-answer", [...nameOf(write, key), digestOf(write.request), status, answer]);

/** What a kept answer is found by: a key is its caller's own, and a route's. */
const nameOf = ({ call, route }: Write, key: string): string[] => [
  call.caller.subject,
  `${route.method} ${route.path}`,
  key,
];

/** Tells whether a request is the same as before: its address with the query, and its body. */
const digestOf = ({ url, body }: FastifyRequest): Buffer =>
  createHash("sha256")
    .update(JSON.stringify([url, body ?? null]))
    .digest();

/** The tenant that a write is about, as far as its declaration says so. */
function tenantOf({ params, body }: Call<unknown, unknown, unknown>): string | null {
  const { tenant } = (params ?? {}) as { tenant?: string };
  const { client } = (body ?? {}) as { client?: unknown };
  return tenant ?? (typeof client === "string" ? client : null);
}

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Postgres } from "../postgres.ts";
import { monitorOn } from "./monitor.ts";
import { ApiProblem, invalidRequest, type Place, problemOf } from "./problem.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { RefusedWrite, RefusedWrites } from "./refused-writes.ts";
import { type ApiContext, type Call, JsonText, type Route } from "./route.ts";
import { TenantId } from "./tenant.ts";
import { type Caller, ScopeProblem, type TokenGate } from "./token.ts";
import { type Write, Writer } from "./write.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Who calls a public route. */
const ANYBODY: Caller = { subject: "anybody", token: "", expires: 0 };

/** What stands between callers and routes. */
export interface Door {
  gate: TokenGate;
  /** How often one token's subject may ask. */
  subjects: RateLimit;
  /** Hears of writes that came to nothing before they were tried. */
  refused: RefusedWrites;
  transaction: Postgres["transaction"];
}

/** Makes a server answer the declared routes, each as it is declared. */
export function serveRoutes(
  server: FastifyInstance,
  routes: readonly Route[],
  api: ApiContext,
  { gate, subjects, refused, transaction }: Door,
): void {
  const writer = new Writer(api, transaction);
  const callers = new WeakMap<FastifyRequest, Caller>();
  /** Requests that the writer has, which records them itself. */
  const tried = new WeakSet<FastifyRequest>();
  for (const route of routes) {
    const { method, path, scope, watched } = route;
    server.route({
      method,
      url: routerPath(path),
      exposeHeadRoute: hasHead(route),
      // Before a byte of the body is read.
      onRequest: async (request) => {
        if (scope === "public") return;
        const monitor = watched && monitorOn(request.raw.socket, api);
        const caller =
          monitor ||
          (await gate.require(request.headers.authorization, scope).catch((problem) => {
            const caller = problem instanceof ScopeProblem ? problem.caller : null;
            if (method !== "GET") refused.note(refusedWrite(route, request, { caller, problem }));
            throw problem;
          }));
        subjects.take(caller.subject);
        callers.set(request, caller);
      },
      // Of a write by somebody who may: its body is none, or is not as declared.
      onError: async (request, _, error) => {
        const caller = callers.get(request);
        if (method === "GET" || !caller || tried.has(request)) return;
        const problem = problemOf(error, request, api.log);
        refused.note(refusedWrite(route, request, { caller, problem }));
      },
      handler: (request, reply) => {
        const caller = callers.get(request) ?? ANYBODY;
        const call = { ...parseRequest(route, request), caller } as Call<never, never, never, never>;
        if (method === "GET") return answer(route, call, reply, api);
        tried.add(request);
        return answerWrite(writer, { route, call, request }, reply);
      },
    });
  }
  refuseOtherMethods(server, routes);
}

/** What is recorded of a write that was not tried; a tenant's name is taken only if one could bear it. */
function refusedWrite(
  { method, path }: Route,
  { params, url, ip, id }: FastifyRequest,
  { caller, problem }: { caller: Caller | null; problem: ApiProblem },
): RefusedWrite {
  const { success, data } = TenantId.safeParse((params as { tenant?: unknown }).tenant);
  return {
    ...{ caller, method, route: path, path: url, tenant: success ? data : null },
    ...{ status: problem.status, problem: problem.kind, address: ip, request: id },
  };
}

async function answer(
  route: Route,
  call: Call<never, never, never, never>,
  reply: FastifyReply,
  api: ApiContext,
): Promise<unknown> {
  const given = await route.handle(call, api);
  reply.code(route.status ?? 200).type(route.contentType ?? JSON_TYPE);
  if (given instanceof Readable) return reply.request.method === "HEAD" ? unread(given) : given;
  if (given instanceof JsonText) return given.text;
  const sent = route.answer.parse(given);
  return route.contentType === undefined ? JSON.stringify(sent) : sent;
}

/** Instead of a stream that nobody is to read: what it would tell is not made. */
function unread(stream: Readable): Readable {
  stream.destroy();
  return Readable.from([]);
}

async function answerWrite(writer: Writer, write: Write, reply: FastifyReply): Promise<string> {
  const { status, answer, replayed } = await writer.make(write);
  if (replayed) reply.header("idempotency-replayed", "true");
  reply.code(status).type(JSON_TYPE);
  return answer;
}

/** The parts of a request as the route declares them; the first place that is not so is told with all that is wrong. */
function parseRequest(route: Route, { params, query, headers, body }: FastifyRequest) {
  // The router's own objects have no prototype, and zod's have none of ours.
  const path = parsePart("path", route.params, params);
  const search = parsePart("query", route.query, query);
  const known = route.headers && parse("header", route.headers, headers);
  if (!route.body && body !== undefined && body !== null)
    throw new ApiProblem("invalid-request", "This route takes no body. Send none.");
  return { params: path, query: search, headers: known, body: route.body && parse("body", route.body, body) };
}

/** A part that is an object; one that is not declared has to be empty. */
function parsePart(place: Place, schema: z.ZodObject | undefined, value: unknown): unknown {
  const given = { ...(value as object) };
  if (schema) return parse(place, schema, given);
  const unknown = Object.keys(given);
  if (unknown.length === 0) return given;
  throw new ApiProblem("invalid-request", `The ${place} is not as the route declares it, see errors.`, {
    errors: unknown.map((parameter) => ({ detail: "This route does not have it", parameter })),
  });
}

function parse<T>(place: Place, schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw invalidRequest(place, error);
  return data;
}

/** Answers 405 with what is allowed, where a path exists under other methods. */
function refuseOtherMethods(server: FastifyInstance, routes: readonly Route[]): void {
  for (const [path, those] of Map.groupBy(routes, ({ path }) => path)) {
    const allowed = those.flatMap((route) => (hasHead(route) ? ["GET", "HEAD"] : [route.method]));
    server.route({
      method: server.supportedMethods.filter((method) => !allowed.includes(method)),
      url: routerPath(path),
      onRequest: async ({ method }) => {
        throw new ApiProblem("method-not-allowed", `${path} does not take ${method}.`, {
          headers: { allow: allowed.join(", ") },
        });
      },
      handler: () => {},
    });
  }
}

/** A stream has no end that a HEAD could wait for. */
const hasHead = ({ method, contentType }: Route): boolean =>
  method === "GET" && contentType !== "text/event-stream";

/** `{tenant}` as the router writes it: `:tenant`. */
const routerPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

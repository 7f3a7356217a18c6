import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import type * as z from "zod";
import { PROBLEMS, type ProblemKind, problemType } from "./problem-kind.ts";

/** One field that is not as declared: where it stands, and what is wrong with it. */
export interface InvalidField {
  detail: string;
  /** Of a body: a JSON pointer as a fragment, `#/held`. */
  pointer?: string;
  /** Of the path, the query or a header: its name. */
  parameter?: string;
}

/** A request that is answered with an error, told as RFC 9457 problem details. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly kind: ProblemKind;
  readonly errors: InvalidField[] | undefined;
  /** Sent with the answer: Allow, Retry-After. */
  readonly headers: Record<string, string>;

  /** @param detail what is wrong with this request, and what to do */
  constructor(
    kind: ProblemKind,
    detail: string,
    { errors, headers = {} }: { errors?: InvalidField[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.kind = kind;
    this.errors = errors;
    this.headers = headers;
  }

  get status(): number {
    return PROBLEMS[this.kind].status;
  }
}

/** What is sent for a problem. `instance` names this one occurrence; a fault's log line has the same id. */
export const problemDetails = ({ kind, status, message, errors }: ApiProblem, id: string) => ({
  type: problemType(kind),
  title: PROBLEMS[kind].title,
  status,
  detail: message,
  instance: `urn:uuid:${id}`,
  ...(errors ? { errors } : {}),
});

/** Makes a server answer everything it cannot do with problem details. */
export function answerProblems(server: FastifyInstance, log: Logger): void {
  server.setErrorHandler((error, request, reply) => sendProblem(reply, problemOf(error, request, log)));
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new ApiProblem("not-found", `There is no ${request.method} ${request.url}.`)),
  );
}

/** Sends a problem as the answer to its request. */
export function sendProblem(reply: FastifyReply, problem: ApiProblem): FastifyReply {
  if (isLong(reply.request)) reply.header("connection", "close");
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type("application/problem+json")
    .send(problemDetails(problem, reply.request.id));
}

/** A body that is refused and not read to its end; a short one is, so that its sender gets to read the answer. */
const SHORT = 16 * 1024;

/** Whether so much of a request may still be on its way that its connection is given up instead. */
function isLong({ raw, headers }: FastifyRequest): boolean {
  if (raw.complete) return false;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > SHORT;
}

/** What the caller is told; the cause of a fault of ours stays in the log. */
export function problemOf(error: unknown, { id, url }: FastifyRequest, log: Logger): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (statusCode < 500) return new ApiProblem(kindOf(statusCode), message);
  log.error({ err: error, url, request: id }, "a request failed");
  return isOutage(error)
    ? new ApiProblem("unavailable", "The node does not reach its database. Try again, or ask the other node.")
    : new ApiProblem("internal", "The node has a fault, its log says which. The other node may answer.");
}

/** The kind of an error that the HTTP server found by itself. */
function kindOf(status: number): ProblemKind {
  if (status === 413) return "body-too-large";
  return status === 415 ? "not-json" : "invalid-request";
}

/** SQLSTATE classes of a connection that broke, of resources that ran out, of a server that goes down or comes up. */
const OUTAGE = /^(08|53|57P)/;
/** What the network says, and the driver when it waited for a connection in vain. */
const UNREACHABLE = /^(ECONN|EHOST|ENET|EPIPE|ETIMEDOUT|EAI_|ENOTFOUND)|timeout|Connection terminated/;

function isOutage(error: unknown): boolean {
  const { code = "", message } = error as { code?: string; message: string };
  return OUTAGE.test(code) || UNREACHABLE.test(code) || UNREACHABLE.test(message);
}

/** Where in a request a value stands. */
export type Place = "path" | "query" | "header" | "body";

/** What zod found in one place of a request, all of it at once. */
export const invalidRequest = (place: Place, { issues }: z.ZodError): ApiProblem =>
  new ApiProblem("invalid-request", `The ${place} is not as the route declares it, see errors.`, {
    errors: issues.map(({ path, message: detail }) =>
      place === "body"
        ? { detail, pointer: `#${path.map((step) => `/${escapePointer(String(step))}`).join("")}` }
        : { detail, ...(path.length > 0 ? { parameter: path.join(".") } : {}) },
    ),
  });

const escapePointer = (step: string): string =>
  encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));

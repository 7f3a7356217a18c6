import type { FastifyInstance, FastifyReply } from "fastify";
import type { Logger } from "pino";

/** A request that is answered with an error, told as RFC 9457 problem details. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly status: number;
  readonly title: string;

  /** @param detail what is wrong with this request, and what to do */
  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.status = status;
    this.title = title;
  }
}

/** Makes a server answer everything it cannot do with problem details. */
export function answerProblems(server: FastifyInstance, log: Logger): void {
  server.setErrorHandler((error, request, reply) => send(reply, problemOf(error, request.url, log)));
  server.setNotFoundHandler((request, reply) =>
    send(reply, new ApiProblem(404, "Not Found", `There is no ${request.method} ${request.url}.`)),
  );
}

/** What the caller is told; the cause of a fault of ours stays in the log. */
function problemOf(error: unknown, url: string, log: Logger): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (statusCode < 500) return new ApiProblem(statusCode, "Bad Request", message);
  log.error({ err: error, url }, "a request failed");
  return new ApiProblem(503, "Service Unavailable", "The node could not answer, see its log. Try again.");
}

function send(reply: FastifyReply, { status, title, message }: ApiProblem): FastifyReply {
  return reply
    .code(status)
    .type("application/problem+json")
    .send({ type: "about:blank", title, status, detail: message });
}

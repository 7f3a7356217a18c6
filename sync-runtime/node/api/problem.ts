import type { FastifyReply } from "fastify";

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

/** Answers with problem details. */
export function sendProblem(reply: FastifyReply, { status, title, message }: ApiProblem): FastifyReply {
  return reply
    .code(status)
    .type("application/problem+json")
    .send({ type: "about:blank", title, status, detail: message });
}

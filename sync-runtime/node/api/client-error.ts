import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import { ApiProblem, problemDetails } from "./problem.ts";
import { PROBLEMS } from "./problem-kind.ts";

/** Answers what is not HTTP, or did not arrive: there is no request yet, only a connection, which is closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // Whoever did not come as far as HTTP, with a handshake that never ended for example, could not read an answer.
  if (!/^(HPE|ERR_HTTP)_/.test(error.code ?? "") || !socket.writable) return void socket.destroy();
  const problem = clientProblem(error.code);
  const body = JSON.stringify(problemDetails(problem, randomUUID()));
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${PROBLEMS[problem.kind].title}`,
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
    // A client that goes on sending does not keep the connection.
    () => socket.destroy(),
  );
}

function clientProblem(code: string | undefined): ApiProblem {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ApiProblem("request-too-slow", "Send the whole request within ten seconds.");
    case "HPE_HEADER_OVERFLOW":
      return new ApiProblem("headers-too-large", "Send at most 8 KB of headers.");
    default:
      return new ApiProblem("invalid-request", "This is not HTTP/1.1.");
  }
}

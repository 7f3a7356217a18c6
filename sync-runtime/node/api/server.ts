import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import fastify, { type FastifyInstance } from "fastify";
import type { Lease } from "../lease.ts";
import type { NodeConfig } from "../node-config.ts";
import type { NodeContext } from "../node-context.ts";
import type { Service } from "../service.ts";
import { answerProblems } from "./problem.ts";
import { routes } from "./routes.ts";
import { serveRoutes } from "./serve-routes.ts";
import { TokenGate } from "./token.ts";

/** No route takes more than a few values; what is longer is cut off early. */
const LONGEST_BODY = 16 * 1024;
/** A whole request has to be there within this time, so that slow senders hold nothing. */
const REQUEST_MS = 10_000;

/** Serves the node's HTTP interface over TLS. */
export class ApiServer implements Service {
  readonly #context: NodeContext;
  readonly #config: NodeConfig;
  readonly #server: FastifyInstance;

  constructor(context: NodeContext, config: NodeConfig, lease: Lease) {
    this.#context = context;
    this.#config = config;
    const { tls, operatorKeys } = config;
    this.#server = fastify({
      https: { cert: readFileSync(tls.certificate), key: readFileSync(tls.key), minVersion: "TLSv1.3" },
      bodyLimit: LONGEST_BODY,
      requestTimeout: REQUEST_MS,
      forceCloseConnections: true,
      genReqId: () => randomUUID(),
    }) as unknown as FastifyInstance;
    answerProblems(this.#server, context.log);
    serveRoutes(this.#server, routes, { ...context, lease }, new TokenGate(operatorKeys));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { address, port } = this.#config.listen;
    const bound = await this.#server.listen({ host: address, port });
    this.#context.log.info({ address: bound }, "serves the API");
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await this.#server.close();
  }
}

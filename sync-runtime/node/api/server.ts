import { randomUUID, X509Certificate } from "node:crypto";
import type { Server } from "node:https";
import fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import type { Certificates, Credentials } from "../../certificates.ts";
import type { NodeConfig } from "../node-config.ts";
import type { NodeContext } from "../node-context.ts";
import { repeat, type Service } from "../service.ts";
import { answerClientError } from "./client-error.ts";
import { EventHub } from "./event-hub.ts";
import { ApiProblem, answerProblems, problemOf, sendProblem } from "./problem.ts";
import { addressKey, RateLimit } from "./rate-limit.ts";
import { RECORD_MS, RefusedWrites } from "./refused-writes.ts";
import type { ApiContext } from "./route.ts";
import { routes } from "./routes.ts";
import { serveRoutes } from "./serve-routes.ts";
import { TokenGate } from "./token.ts";

/** No route takes more than a few values; what is longer is cut off early. */
const LONGEST_BODY = 16 * 1024;
/** A whole request has to be there within this time, so that slow senders hold nothing; looked at every second. */
const REQUEST_MS = 10_000;
const LOOK_MS = 1_000;
/** A connection that has not begun to speak within this is closed: TLS first, then the headers. */
const BEGIN_MS = 5_000;
/** All headers together, bytes; and how many. A token takes about 500 bytes. */
const LONGEST_HEADERS = 8 * 1024;
const MOST_HEADERS = 64;
/** Connections at a time; more wait at the door of the operating system. */
const MOST_CONNECTIONS = 512;

/** What the API shows, and whose certificates it knows; nobody speaks anything older to it. */
const handshake = (credentials: Credentials) => ({ ...credentials, minVersion: "TLSv1.3" }) as const;

/** Parts of the node that routes ask. */
type ApiParts = Pick<ApiContext, "lease" | "states" | "agents">;

/** Serves the node's HTTP interface over TLS. */
export class ApiServer implements Service {
  readonly #context: NodeContext;
  readonly #config: NodeConfig;
  readonly #server: FastifyInstance;
  readonly #events: EventHub;
  readonly #refused: RefusedWrites;

  constructor(context: NodeContext, config: NodeConfig, certificates: Certificates, parts: ApiParts) {
    this.#context = context;
    this.#config = config;
    this.#server = makeServer(certificates.current, context.log);
    const { server } = this.#server;
    certificates.onChange((credentials) => (server as Server).setSecureContext(handshake(credentials)));
    const certificate = () => new X509Certificate(certificates.current.cert);
    this.#events = new EventHub(context, () => parts.states.statuses.forget());
    const api = { ...context, ...parts, certificate, certificates, events: this.#events };
    this.#refused = new RefusedWrites(context);
    const { rates, operatorKeys } = config;
    const addresses = new RateLimit(rates.address, context.clock.monotonic);
    // First of all, before anything is looked at that costs more.
    this.#server.addHook("onRequest", async ({ ip }) => addresses.take(addressKey(ip)));
    serveRoutes(this.#server, routes, api, {
      gate: new TokenGate(operatorKeys),
      subjects: new RateLimit(rates.subject, context.clock.monotonic),
      refused: this.#refused,
      transaction: (work) => context.postgres.transaction(work),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { address, port } = this.#config.listen;
    const bound = await this.#server.listen({ host: address, port });
    this.#context.log.info({ address: bound }, "serves the API");
    await repeat(() => this.#refused.record(), this.#context, {
      ...{ ms: RECORD_MS, what: "recording refused writes", signal },
    });
    this.#events.close();
    await this.#server.close();
    await this.#refused.record().catch((err) => this.#context.log.warn({ err }, "refused writes were lost"));
  }
}

/** A server with every limit there is, and no route yet. */
function makeServer(credentials: Credentials, log: Logger): FastifyInstance {
  const server = fastify({
    https: {
      ...handshake(credentials),
      // Asked for and not demanded: what watches the cluster has one, operators have tokens.
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: BEGIN_MS,
      headersTimeout: BEGIN_MS,
      connectionsCheckingInterval: LOOK_MS,
      maxHeaderSize: LONGEST_HEADERS,
    },
    bodyLimit: LONGEST_BODY,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: true,
    genReqId: () => randomUUID(),
    clientErrorHandler: answerClientError,
    // Raised before there is a route: an address that cannot be decoded.
    frameworkErrors: (error, request, reply) => void sendProblem(reply, problemOf(error, request, log)),
  }) as unknown as FastifyInstance;
  server.server.maxConnections = MOST_CONNECTIONS;
  // Only JSON is taken; fastify would take plain text too.
  server.removeContentTypeParser("text/plain");
  server.addHook("onRequest", async ({ raw }) => {
    if (raw.rawHeaders.length > 2 * MOST_HEADERS)
      throw new ApiProblem("headers-too-large", `Send at most ${MOST_HEADERS} headers.`);
  });
  answerProblems(server, log);
  return server;
}

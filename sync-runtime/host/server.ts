import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import type { Certificates } from "../certificates.ts";
import { monitorOf, nodeOf } from "../client-certificate.ts";
import { CallerList, type Callers } from "./callers.ts";
import type { Log } from "./log.ts";

/** Docker waits 10 s between SIGTERM and SIGKILL. */
const GRACE_MILLISECONDS = 8_000;
/** Two nodes with five syncs each, a probe, and room. */
const MAX_CONNECTIONS = 64;

/** Where it listens, and to whom it answers. */
export interface HostServerConfig {
  listen: { address: string; port: number };
  cluster: string;
  /** Ids of the cluster's nodes; undefined means all of them. */
  nodes?: string[] | undefined;
  callers: Callers;
}

/** Why somebody was not let in: by the address, in the handshake, or by a certificate that opens no door here. */
export type RefusalReason = "address" | "handshake" | "certificate";

/** Answers one request of a node that has been let in. */
type Handler = (request: IncomingMessage, response: ServerResponse, signal: AbortSignal) => Promise<void>;

/** Nobody speaks anything older. */
const HANDSHAKE = { minVersion: "TLSv1.3" } as const;

/** The one thing that what watches the cluster may ask for; it says nothing about what tenants hold. */
const asksForMetrics = ({ method, url }: IncomingMessage): boolean => method === "GET" && url === "/metrics";

/**
 * The HTTPS server of a program on a tenants' host. Only nodes of its own cluster get an answer: a connection from an address
 * that the config does not allow is closed before TLS, the handshake demands a client's certificate of the stack's CA, and the
 * request is refused when that certificate names no node that the cluster has. What watches the cluster gets the metrics and
 * nothing else.
 */
export class HostServer {
  readonly #config: HostServerConfig;
  readonly #handler: Handler;
  readonly #log: Log;
  readonly #refused: (reason: RefusalReason) => void;
  readonly #certificates: Certificates;
  /** Connections made under the certificates that are in force. */
  #fresh = new WeakSet<object>();

  /** @param refused counts whoever is not let in */
  constructor(
    config: HostServerConfig,
    certificates: Certificates,
    handler: Handler,
    log: Log,
    refused: (reason: RefusalReason) => void = () => {},
  ) {
    this.#config = config;
    this.#certificates = certificates;
    this.#handler = handler;
    this.#log = log;
    this.#refused = refused;
  }

  /** Serves until `signal` aborts, then lets running answers end for {@link GRACE_MILLISECONDS}. */
  async run(signal: AbortSignal): Promise<void> {
    /** Ends what still runs behind the grace period, child processes included. */
    const hardStop = new AbortController();
    const server = createServer({
      ...this.#certificates.current,
      ...HANDSHAKE,
      blockList: this.#callers(),
      requestCert: true,
      rejectUnauthorized: true,
    });
    this.#certificates.onChange((credentials) => {
      server.setSecureContext({ ...credentials, ...HANDSHAKE });
      this.#fresh = new WeakSet();
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.requestTimeout = 30_000;
    server.on("secureConnection", (socket) => this.#fresh.add(socket));
    server.on("request", (request, response) => this.#answer(request, response, hardStop.signal));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      this.#refused("handshake");
      this.#log.warn(
        { from: socket.remoteAddress, reason: error.code ?? error.message },
        "connection was refused",
      );
    });
    await this.#listen(server);
    await this.#certificates.run(signal);

    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await Promise.race([closed, setTimeout(GRACE_MILLISECONDS, undefined, { ref: false })]);
    hardStop.abort();
    server.closeAllConnections();
    await closed;
    this.#log.info("server stopped");
  }

  /** Who may connect at all; others are counted, and named in the log now and then. */
  #callers(): CallerList {
    return new CallerList(this.#config.callers, (from, isNews) => {
      this.#refused("address");
      if (isNews) this.#log.warn({ from }, "address was refused");
    });
  }

  /** Resolves when connections are taken; a port in use is an error. */
  async #listen(server: Server): Promise<void> {
    const { address, port } = this.#config.listen;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, address, resolve);
    });
    this.#log.info({ address, port: (server.address() as AddressInfo).port }, "server listened");
  }

  /** Lets nodes of the cluster in, and to the metrics what watches it; tells others why not. */
  #answer(request: IncomingMessage, response: ServerResponse, hardStop: AbortSignal): void {
    const { subjectaltname } = (request.socket as TLSSocket).getPeerCertificate();
    const node = nodeOf(subjectaltname);
    const { cluster, nodes = [node?.node] } = this.#config;
    const serves = node?.cluster === cluster && nodes.includes(node.node);
    const watches = monitorOf(subjectaltname)?.cluster === cluster;
    if (!serves && !(watches && asksForMetrics(request))) {
      this.#refused("certificate");
      this.#log.warn({ from: request.socket.remoteAddress, node, watches }, "certificate was refused");
      const failure = {
        code: "certificate-refused",
        message: `The client's certificate names no node of cluster ${cluster} that this host serves.`,
        remedy: "Use the node's own certificate, made by `npm run up`.",
      };
      response
        .writeHead(403, { "content-type": "application/json", connection: "close" })
        .end(JSON.stringify(failure));
      return;
    }
    // A connection outlives its handshake: what no longer opens the door leaves with this answer.
    if (!this.#fresh.has(request.socket)) response.setHeader("connection", "close");
    const gone = new AbortController();
    // It closes at its good end as well.
    response.once("close", () => response.writableFinished || gone.abort());
    void this.#handler(request, response, AbortSignal.any([hardStop, gone.signal]));
  }
}

import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { monitorOf, nodeOf } from "./client-certificate.ts";
import type { AgentConfig } from "./config.ts";
import type { Log } from "./log.ts";

/** Docker waits 10 s between SIGTERM and SIGKILL. */
const GRACE_MILLISECONDS = 8_000;
/** How often the certificates' files are looked at. */
const CERTIFICATE_CHECK_MILLISECONDS = 30_000;
/** Two nodes with five syncs each, a probe, and room. */
const MAX_CONNECTIONS = 64;

/** Answers one request of a node that has been let in. */
type Handler = (request: IncomingMessage, response: ServerResponse, signal: AbortSignal) => Promise<void>;

/** What the handshake needs, as it lies in the files. */
interface TlsFiles {
  cert: Buffer;
  key: Buffer;
  ca: Buffer;
}

/** The one thing that what watches the cluster may ask for; it says nothing about what tenants hold. */
const asksForMetrics = ({ method, url }: IncomingMessage): boolean => method === "GET" && url === "/metrics";

/** The files as they lie there now; the key may for a moment not be the certificate's. */
async function readTlsFiles({ certificate, key, ca }: AgentConfig["tls"]): Promise<TlsFiles> {
  const [certBytes, keyBytes, caBytes] = await Promise.all(
    [certificate, key, ca].map((path) => readFile(path)),
  );
  return { cert: certBytes as Buffer, key: keyBytes as Buffer, ca: caBytes as Buffer };
}

const sameFiles = (one: TlsFiles, other: TlsFiles): boolean =>
  one.cert.equals(other.cert) && one.key.equals(other.key) && one.ca.equals(other.ca);

/**
 * The agent's HTTPS server. Only nodes of its own cluster get an answer: the handshake demands a client's certificate
 * of the stack's CA, and the request is refused when that certificate names no node of the cluster. What watches the
 * cluster gets the metrics and nothing else.
 */
export class AgentServer {
  readonly #config: AgentConfig;
  readonly #handler: Handler;
  readonly #log: Log;
  readonly #checkMilliseconds: number;

  constructor(
    config: AgentConfig,
    handler: Handler,
    log: Log,
    checkMilliseconds = CERTIFICATE_CHECK_MILLISECONDS,
  ) {
    this.#checkMilliseconds = checkMilliseconds;
    this.#config = config;
    this.#handler = handler;
    this.#log = log;
  }

  /** Serves until `signal` aborts, then lets running answers end for {@link GRACE_MILLISECONDS}. */
  async run(signal: AbortSignal): Promise<void> {
    const files = await readTlsFiles(this.#config.tls);
    /** Ends what still runs behind the grace period, readers included. */
    const hardStop = new AbortController();
    const server = createServer({
      ...files,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.requestTimeout = 30_000;
    server.on("request", (request, response) => this.#answer(request, response, hardStop.signal));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      this.#log.warn(
        { from: socket.remoteAddress, reason: error.code ?? error.message },
        "connection was refused",
      );
    });
    await this.#listen(server);
    await this.#followCertificates(server, files, signal);

    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await Promise.race([closed, setTimeout(GRACE_MILLISECONDS, undefined, { ref: false })]);
    hardStop.abort();
    server.closeAllConnections();
    await closed;
    this.#log.info("server stopped");
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
    const watches = monitorOf(subjectaltname)?.cluster === this.#config.cluster;
    if (node?.cluster !== this.#config.cluster && !(watches && asksForMetrics(request))) {
      this.#log.warn({ from: request.socket.remoteAddress, node, watches }, "certificate was refused");
      const failure = {
        code: "certificate-refused",
        message: `The client's certificate names no node of cluster ${this.#config.cluster}.`,
        remedy: "Use the node's own certificate, made by `npm run up`.",
      };
      response
        .writeHead(403, { "content-type": "application/json", connection: "close" })
        .end(JSON.stringify(failure));
      return;
    }
    const gone = new AbortController();
    // It closes at its good end as well.
    response.once("close", () => response.writableFinished || gone.abort());
    void this.#handler(request, response, AbortSignal.any([hardStop, gone.signal]));
  }

  /** Takes new certificates when their files change, until `signal` aborts. */
  async #followCertificates(server: Server, files: TlsFiles, signal: AbortSignal): Promise<void> {
    let current = files;
    while (await elapsed(this.#checkMilliseconds, signal)) {
      try {
        const found = await readTlsFiles(this.#config.tls);
        if (sameFiles(current, found)) continue;
        server.setSecureContext(found);
        current = found;
        this.#log.info("certificates were renewed");
      } catch (err) {
        this.#log.error({ err }, "certificates could not be renewed; the old ones stay in use");
      }
    }
  }
}

/** Waits; false when `signal` ended the wait. */
const elapsed = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  setTimeout(milliseconds, true, { signal }).catch(() => false);

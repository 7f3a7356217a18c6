import { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import type { PeerCertificate } from "node:tls";
import type { Certificates } from "../certificates.ts";

/** Until a connection stands; a host that swallows packets would keep a node's hand for minutes. */
const CONNECT_MS = 5_000;

/** Who is asked, and what its certificate has to say. */
export interface Peer {
  /** host:port */
  address: string;
  /** urn:owui:agent:<host> */
  identity: string;
  /** The name that is asked for in the handshake. */
  servername: string;
}

/** What is asked. */
export interface Question {
  method: "GET" | "POST";
  path: string;
  /** JSON. */
  body?: string | undefined;
  /** Silence on the connection after which the peer counts as gone. */
  silenceMs: number;
  signal: AbortSignal;
}

/** What of a node's certificates its calls need. */
export type ClientCertificates = Pick<Certificates, "current" | "onChange" | "see">;

/** A peer was reached, and then said nothing for as long as it may. */
export class SilenceError extends Error {
  override name = "SilenceError";
}

/** How a connection says that it was closed meanwhile. */
const CLOSED: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

/** A connection that was kept from an earlier question had no answer to this one. */
class KeptConnectionClosed extends Error {
  override name = "KeptConnectionClosed";

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Asks parties of the stack over mTLS. Each one's connections are kept apart, so that none stands in for another. */
export class PinnedClient {
  readonly #certificates: ClientCertificates;
  readonly #connections = new Map<string, Agent>();

  constructor(certificates: ClientCertificates) {
    this.#certificates = certificates;
    certificates.onChange(() => this.#beginAnew());
  }

  /**
   * Resolves when the answer's head is there. Throws {@link SilenceError}, or why there is no connection. What is asked may
   * be asked twice: a kept connection that the peer closed in that very moment is replaced by a new one.
   */
  async ask(peer: Peer, question: Question): Promise<IncomingMessage> {
    try {
      return await this.#askOnce(peer, question);
    } catch (cause) {
      if (!(cause instanceof KeptConnectionClosed)) throw cause;
      closeIdle(this.#connectionsTo(peer));
      return await this.#askOnce(peer, question);
    }
  }

  #askOnce(peer: Peer, { method, path, body, silenceMs, signal }: Question): Promise<IncomingMessage> {
    const options: RequestOptions = {
      ...target(peer.address),
      method,
      path,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      agent: this.#connectionsTo(peer),
      signal,
      timeout: silenceMs,
    };
    return new Promise((resolve, reject) => {
      const asked = request(options, resolve);
      const connecting = setTimeout(() => {
        asked.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`));
      }, CONNECT_MS);
      asked.once("socket", (socket) => {
        if (!socket.connecting) clearTimeout(connecting);
        else socket.once("secureConnect", () => clearTimeout(connecting));
      });
      asked.once("timeout", () => asked.destroy(new SilenceError(`silence for ${silenceMs / 1000} s`)));
      asked.once("error", (cause: NodeJS.ErrnoException) => {
        clearTimeout(connecting);
        reject(asked.reusedSocket && CLOSED.has(cause.code ?? "") ? new KeptConnectionClosed(cause) : cause);
      });
      asked.end(body);
    });
  }

  /** Closes the connections that are kept open. */
  close(): void {
    for (const connections of this.#connections.values()) connections.destroy();
  }

  /** New connections are made with new certificates; a request that runs ends on the one it began with. */
  #beginAnew(): void {
    for (const connections of this.#connections.values()) closeIdle(connections);
    this.#connections.clear();
  }

  #connectionsTo({ identity, servername }: Peer): Agent {
    let connections = this.#connections.get(identity);
    if (!connections) {
      connections = new Agent({
        ...this.#certificates.current,
        keepAlive: true,
        minVersion: "TLSv1.3",
        servername,
        checkServerIdentity: (_, certificate) => {
          const problem = identityProblem(identity, certificate);
          if (!problem) this.#certificates.see(new X509Certificate(certificate.raw));
          return problem;
        },
      });
      this.#connections.set(identity, connections);
    }
    return connections;
  }
}

function closeIdle({ freeSockets }: Agent): void {
  for (const idle of Object.values(freeSockets).flat()) idle?.destroy();
}

/**
 * Why a certificate does not speak for a party; undefined when it does. That it chains to the CA is checked before.
 * Node quotes a name that holds a comma, so no other entry can be read as this one.
 */
export function identityProblem(
  identity: string,
  certificate: Pick<PeerCertificate, "subjectaltname">,
): Error | undefined {
  const names = (certificate.subjectaltname ?? "").split(", ");
  if (names.includes(`URI:${identity}`)) return undefined;
  return new Error(`its certificate is not that of ${identity} but of ${names.join(", ") || "nobody"}`);
}

/** An answer's text, cut off behind so many characters. */
export async function textOf(answer: IncomingMessage, most: number): Promise<string> {
  let read = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    read += chunk;
    if (read.length > most) break;
  }
  return read;
}

function target(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

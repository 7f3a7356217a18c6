import { X509Certificate } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { pipeline, type Readable } from "node:stream";
import type { PeerCertificate } from "node:tls";
import { createZstdDecompress } from "node:zlib";
import type { Certificates } from "../certificates.ts";
import { Failure, Inventory, type Message, readMessages } from "../protocol/message.ts";

/** Silence on the connection after which the agent counts as gone; reading a snapshot behind others is silent for minutes. */
const SILENCE_MS = 300_000;
/** Until a connection stands; a host that swallows packets would keep a node's hand for minutes. */
const CONNECT_MS = 5_000;
/** What is unpacked at a time; every chunk is a trip to another thread. */
const CHUNK_BYTES = 256 * 1024;
/** The longest answer read that is not a stream of changes. */
const LONGEST_REFUSAL = 64 * 1024;
/** Of an inventory: a tenant takes about 300 characters. */
const LONGEST_INVENTORY = 4 * 1024 * 1024;

/** Where a host's agent answers, and what its certificate has to say. */
export interface AgentAddress {
  host: string;
  /** host:port */
  address: string;
  /** urn:owui:agent:<host> */
  identity: string;
}

/** One answer of an agent while it is read. */
export interface ChangeStream {
  messages: AsyncIterable<Message>;
  /** Bytes that have come over the wire so far. */
  bytes(): number;
}

/** The agent did not answer, or said why it does not. */
export class AgentError extends Error {
  override name = "AgentError";
  /** The agent's own code, `agent-unreachable`, or `agent-silent` where it was reached and then said nothing. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What the agent said, as an error. */
export const failureOf = ({ code, message, remedy }: Failure): AgentError =>
  new AgentError(code, `${message} ${remedy}`);

/** What of a node's certificates its calls need. */
type ClientCertificates = Pick<Certificates, "current" | "onChange" | "see">;

/** Asks agents for changes, over mTLS. Each agent's connections are kept apart, so that none stands in for another. */
export class AgentClient {
  readonly #certificates: ClientCertificates;
  readonly #connections = new Map<string, Agent>();
  readonly #onReach: (host: string, reached: boolean) => void;

  /** @param onReach is told with every request whether the host's agent answered it, whatever it said */
  constructor(
    certificates: ClientCertificates,
    onReach: (host: string, reached: boolean) => void = () => {},
  ) {
    this.#certificates = certificates;
    this.#onReach = onReach;
    certificates.onChange(() => this.#beginAnew());
  }

  /**
   * Asks for a tenant's changes since a sync.
   * @param committed the last sync that the replica holds; null asks for everything
   * @param wish see protocol/message.ts, ChangesRequest
   */
  async changes(
    agent: AgentAddress,
    tenant: string,
    committed: string | null,
    wish: { full: boolean; held: string | null },
    signal: AbortSignal,
  ): Promise<ChangeStream> {
    const path = `/v1/tenants/${tenant}/changes`;
    const answer = await this.#send(agent, "POST", path, { committed, ...wish }, signal);
    if (answer.statusCode !== 200) throw await refusal(answer);
    let bytes = 0;
    async function* counted(source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += chunk.length;
        yield chunk;
      }
    }
    const plain = createZstdDecompress({ chunkSize: CHUNK_BYTES });
    // An error is seen by whoever reads `plain`; one that comes after its reader has stopped concerns nobody.
    pipeline(answer, counted, plain, () => {});
    return { messages: messagesOf(plain), bytes: () => bytes };
  }

  /** What lies on a host, whatever is declared. */
  async inventory(agent: AgentAddress, signal: AbortSignal): Promise<Inventory> {
    const answer = await this.#send(agent, "GET", "/v1/inventory", undefined, signal);
    if (answer.statusCode !== 200) throw await refusal(answer);
    return Inventory.parse(JSON.parse(await textOf(answer, LONGEST_INVENTORY)));
  }

  /** Closes the connections that are kept open. */
  close(): void {
    for (const connections of this.#connections.values()) connections.destroy();
  }

  /** New connections are made with new certificates; a sync that runs ends on the one it began with. */
  #beginAnew(): void {
    for (const connections of this.#connections.values())
      for (const idle of Object.values(connections.freeSockets).flat()) idle?.destroy();
    this.#connections.clear();
  }

  #send(
    agent: AgentAddress,
    method: "GET" | "POST",
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const options: RequestOptions = {
      ...target(agent.address),
      method,
      path,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      agent: this.#connectionsTo(agent),
      signal,
      timeout: SILENCE_MS,
    };
    return new Promise((resolve, reject) => {
      const asked = request(options, (answer) => {
        this.#onReach(agent.host, true);
        resolve(answer);
      });
      const connecting = setTimeout(() => {
        asked.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`));
      }, CONNECT_MS);
      asked.once("socket", (socket) => {
        if (!socket.connecting) clearTimeout(connecting);
        else socket.once("secureConnect", () => clearTimeout(connecting));
      });
      asked.once("timeout", () => asked.destroy(silent(agent)));
      asked.once("error", (cause) => {
        clearTimeout(connecting);
        if (signal.aborted) return reject(cause);
        if (cause instanceof AgentError) return reject(cause);
        this.#onReach(agent.host, false);
        reject(unreachable(agent, cause));
      });
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  #connectionsTo({ host, identity }: AgentAddress): Agent {
    let connections = this.#connections.get(identity);
    if (!connections) {
      connections = new Agent({
        ...this.#certificates.current,
        keepAlive: true,
        minVersion: "TLSv1.3",
        servername: `agent.${host}`,
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

/**
 * Why a certificate does not speak for an agent; undefined when it does. That it chains to the CA is checked before.
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

/** Messages that end an answer. */
const LAST: ReadonlySet<Message["type"]> = new Set(["manifest", "unchanged", "error"]);

/**
 * An answer's messages. Whoever stops behind the last one has the little that may follow read to its end: broken off,
 * it would look to the agent like a node that went away, and the connection would be lost. Whoever stops earlier wants
 * no more of it.
 */
async function* messagesOf(answer: Readable): AsyncGenerator<Message> {
  let last: Message["type"] | undefined;
  try {
    for await (const message of readMessages(answer.iterator({ destroyOnReturn: false }))) {
      last = message.type;
      yield message;
    }
  } finally {
    if (last && LAST.has(last)) answer.resume();
    else answer.destroy();
  }
}

function target(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

const unreachable = ({ host, address }: AgentAddress, cause: Error) =>
  new AgentError(
    "agent-unreachable",
    `The agent of host ${host} at ${address} cannot be asked: ${cause.message}. ` +
      "The replica keeps what it has; the sync is tried again.",
    { cause },
  );

const silent = ({ host }: AgentAddress) =>
  new AgentError(
    "agent-silent",
    `The agent of host ${host} said nothing for ${SILENCE_MS / 1000} s. ` +
      "The replica keeps what it has; the sync is tried again.",
  );

/** An answer's text, cut off behind so many characters. */
async function textOf(answer: IncomingMessage, most: number): Promise<string> {
  let read = "";
  for await (const chunk of answer.setEncoding("utf8")) {
    read += chunk;
    if (read.length > most) break;
  }
  return read;
}

async function refusal(answer: IncomingMessage): Promise<AgentError> {
  const read = await textOf(answer, LONGEST_REFUSAL);
  try {
    return failureOf(Failure.parse(JSON.parse(read)));
  } catch (cause) {
    return new AgentError(
      "agent-refused",
      `The agent answered with status ${answer.statusCode} and no reason.`,
      {
        cause,
      },
    );
  }
}

import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { Failure, Inventory, type Message, readMessages } from "../protocol/message.ts";
import { type ClientCertificates, PinnedClient, SilenceError, textOf } from "./pinned-client.ts";

/** Silence on the connection after which the agent counts as gone; reading a snapshot behind others is silent for minutes. */
const SILENCE_MS = 300_000;
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

/** Asks agents for changes, over mTLS. */
export class AgentClient {
  readonly #peers: PinnedClient;
  readonly #onReach: (host: string, reached: boolean) => void;

  /** @param onReach is told with every request whether the host's agent answered it, whatever it said */
  constructor(
    certificates: ClientCertificates,
    onReach: (host: string, reached: boolean) => void = () => {},
  ) {
    this.#peers = new PinnedClient(certificates);
    this.#onReach = onReach;
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
    this.#peers.close();
  }

  async #send(
    agent: AgentAddress,
    method: "GET" | "POST",
    path: string,
    wanted: unknown,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { host, address, identity } = agent;
    const peer = { address, identity, servername: `agent.${host}` };
    const body = wanted === undefined ? undefined : JSON.stringify(wanted);
    try {
      const answer = await this.#peers.ask(peer, { method, path, body, silenceMs: SILENCE_MS, signal });
      this.#onReach(host, true);
      return answer;
    } catch (cause) {
      if (signal.aborted) throw cause;
      if (cause instanceof SilenceError) throw silent(agent);
      this.#onReach(host, false);
      throw unreachable(agent, cause as Error);
    }
  }
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

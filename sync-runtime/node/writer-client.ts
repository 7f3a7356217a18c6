import type { IncomingMessage } from "node:http";
import { MAX_WRITE_BYTES, WriteAnswer, WriteRefusal, type WriteRequest } from "../protocol/write.ts";
import { type ClientCertificates, PinnedClient, textOf } from "./pinned-client.ts";

/** A writer waits five seconds for the tenant's lock, and a write has as long. */
const SILENCE_MS = 60_000;
/** The longest answer that is read. */
const LONGEST_ANSWER = 1024 * 1024;

/** Where a host's writer answers, and what its certificate has to say. */
export interface WriterAddress {
  host: string;
  /** host:port */
  address: string;
  /** urn:owui:writer:<host> */
  identity: string;
}

/**
 * Rows could not be written. Unless {@link isUncertain}, nothing of the request was.
 */
export class WriterError extends Error {
  override name = "WriterError";
  /** The writer's own code (protocol/write.ts), `writer-unreachable`, `writer-failed` or `request-too-large`. */
  readonly code: string;
  /** As the writer said it; undefined where it said nothing. */
  readonly refusal: WriteRefusal | undefined;
  /** Whether the rows may have been written all the same: the next sync shows it. */
  readonly isUncertain: boolean;

  constructor(
    { code, message, isUncertain }: Pick<WriterError, "code" | "message" | "isUncertain">,
    refusal?: WriteRefusal,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.isUncertain = isUncertain;
    this.refusal = refusal;
  }
}

/** Has writers write rows into tenants' databases, over mTLS. */
export class WriterClient {
  readonly #peers: PinnedClient;

  constructor(certificates: ClientCertificates) {
    this.#peers = new PinnedClient(certificates);
  }

  /**
   * Writes rows, all or none. The same request may be made again: rows that are as wanted count as `already`.
   * Throws {@link WriterError}, or the signal's reason; after an abort the rows may have been written.
   */
  async write(
    writer: WriterAddress,
    tenant: string,
    request: WriteRequest,
    signal: AbortSignal,
  ): Promise<WriteAnswer> {
    const { host, address, identity } = writer;
    const body = JSON.stringify(request);
    if (Buffer.byteLength(body) > MAX_WRITE_BYTES) throw tooLarge(body);
    const peer = { address, identity, servername: `writer.${host}` };
    const path = `/v1/tenants/${tenant}/rows`;
    try {
      const answer = await this.#peers.ask(peer, {
        method: "POST",
        path,
        body,
        silenceMs: SILENCE_MS,
        signal,
      });
      return await readAnswer(answer, host);
    } catch (cause) {
      if (signal.aborted || cause instanceof WriterError) throw cause;
      throw broken(writer, cause as Error);
    }
  }

  /** Closes the connections that are kept open. */
  close(): void {
    this.#peers.close();
  }
}

/** What a writer answered; a refusal is thrown. */
async function readAnswer(answer: IncomingMessage, host: string): Promise<WriteAnswer> {
  const text = await textOf(answer, LONGEST_ANSWER);
  if (answer.statusCode === 200) return WriteAnswer.parse(JSON.parse(text));
  const refusal = parseRefusal(text);
  if (!refusal) {
    const message = `The writer of host ${host} answered with status ${answer.statusCode} and no reason.`;
    throw new WriterError({ code: "writer-failed", message, isUncertain: true });
  }
  const { code, message, remedy } = refusal;
  const isUncertain = (answer.statusCode ?? 500) >= 500;
  throw new WriterError({ code, message: `${message} ${remedy}`, isUncertain }, refusal);
}

function parseRefusal(text: string): WriteRefusal | undefined {
  try {
    return WriteRefusal.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const tooLarge = (body: string) =>
  new WriterError({
    code: "request-too-large",
    message:
      `The rows take ${Buffer.byteLength(body)} bytes; a writer takes ${MAX_WRITE_BYTES} at a time. ` +
      "Nothing was written; send fewer rows, and change a row that is larger by itself in the application.",
    isUncertain: false,
  });

/** A connection that broke says nothing about what the writer did with what it had. */
const broken = ({ host, address }: WriterAddress, cause: Error) =>
  new WriterError(
    {
      code: "writer-unreachable",
      message: `The writer of host ${host} at ${address} cannot be asked: ${cause.message}. The next sync tries again.`,
      isUncertain: true,
    },
    undefined,
    { cause },
  );

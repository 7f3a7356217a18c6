import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { faultPoint } from "../fault-point.ts";
import type { Log } from "../host/log.ts";
import { Slots } from "../host/slots.ts";
import { takeStamp } from "../host/stamp.ts";
import { databasePath, identityPath, readIdentity, TenantDirectory } from "../host/tenant-directory.ts";
import { TenantError } from "../host/tenant-error.ts";
import { MAX_WRITE_BYTES, type WriteAnswer, type WriteRequest } from "../protocol/write.ts";
import { EpochFile } from "./epoch-file.ts";
import type { Metrics } from "./metrics.ts";
import { RefusalError, refusalOf, statusOf } from "./refusal-error.ts";
import { BodyTooLargeError, readWriteRequest } from "./request-body.ts";
import { runRowWriter } from "./row-writer-process.ts";

const ROWS_PATH = /^\/v1\/tenants\/([^/]+)\/rows$/;
/** Row writers at a time; a request that is not being worked on is not read, so that none waits in memory. */
const PARALLEL = 2;
/** How long a request waits for others. */
const TURN_MILLISECONDS = 10_000;

/** What the routes answer from. */
export interface WriterParts {
  host: string;
  /** Ids of the tenants that may be written. */
  tenants: readonly string[];
  /** Directory of their directories, with links resolved. */
  directory: string;
  /** Directory of the writer's own memory. */
  state: string;
  metrics: Metrics;
  log: Log;
  /** Nanoseconds since 1970. */
  now: () => bigint;
}

/** Answers the requests of nodes; who asks has been checked before. */
export class Routes {
  readonly #parts: WriterParts;
  readonly #directories: TenantDirectory;
  readonly #slots = new Slots(PARALLEL);
  /** One turn per tenant: its epochs are told one after the other. */
  readonly #turns: ReadonlyMap<string, Slots>;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#directories = new TenantDirectory(parts.directory);
    this.#turns = new Map(parts.tenants.map((id) => [id, new Slots(1)]));
  }

  /** Answers one request; an answer that cannot be given any more breaks the connection off. */
  async handle(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    try {
      await this.#route(request, response, signal);
    } catch (error) {
      if (response.headersSent || signal.aborted) response.destroy();
      else if (error instanceof BodyTooLargeError) refuseBody(request, response);
      else {
        this.#parts.log.error({ err: error, path: request.url }, "request failed");
        const message = "The writer could not answer.";
        sendJson(response, 500, { code: "writer-failed", message, remedy: "See the writer's log." });
      }
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { host, metrics } = this.#parts;
    const asked = `${request.method} ${request.url}`;
    if (asked === "GET /health") return sendJson(response, 200, { status: "ok", host });
    if (asked === "GET /metrics") {
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(await metrics.text());
      return;
    }
    const [, id] = (request.method === "POST" && ROWS_PATH.exec(request.url ?? "")) || [];
    const turn = this.#turns.get(id ?? "");
    if (id && turn) return this.#answer(id, turn, request, response, signal);
    const message = id
      ? `The writer of host ${host} is not to write tenant ${id}.`
      : `${asked} is nothing that this writer serves.`;
    const remedy = "Check the tenant's sync.direction and host in the stack's config, and run `npm run up`.";
    sendJson(response, 404, { code: "not-found", message, remedy });
  }

  /** Writes what a request asks for, and says why where it cannot be. */
  async #answer(
    tenant: string,
    turn: Slots,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, metrics } = this.#parts;
    const end = metrics.seconds.startTimer({ client: tenant });
    try {
      using _turn = await takeTurn(turn, signal);
      using _slot = await takeTurn(this.#slots, signal);
      const answer = await this.#write(tenant, await readWriteRequest(request), signal);
      const { written, already } = answer;
      metrics.rows.inc({ client: tenant }, written);
      log.info({ tenant, written, already }, "rows were written");
      sendJson(response, 200, answer);
    } catch (error) {
      if (!(error instanceof RefusalError || error instanceof TenantError)) throw error;
      if (signal.aborted) throw error;
      const { code, message } = error;
      const row = error instanceof RefusalError ? error.row : {};
      metrics.refused.inc({ client: tenant, code });
      log.warn({ tenant, code, reason: message, ...row }, "rows were refused");
      sendJson(response, statusOf({ code }), refusalOf({ code, message, row }));
    } finally {
      end();
    }
  }

  async #write(
    tenant: string,
    { epoch, ...request }: WriteRequest,
    signal: AbortSignal,
  ): Promise<WriteAnswer> {
    if (request.rows.length === 0) {
      await this.#raiseEpoch(tenant, BigInt(epoch));
      return { written: 0, already: 0 };
    }
    const directory = await this.#find(tenant);
    const identity = await readIdentity(directory, tenant);
    if (identity.id !== request.identity)
      throw new RefusalError(
        "identity-changed",
        `${directory} holds the data ${identity.id}; the sync was verified with ${request.identity}.`,
      );
    await takeStamp(directory, this.#parts.now());
    await this.#raiseEpoch(tenant, BigInt(epoch));
    faultPoint("writer:epoch-raised");
    const task = {
      database: databasePath(directory),
      identityFile: identityPath(directory),
      tenant,
      request,
    };
    const answer = await runRowWriter(task, signal);
    faultPoint("writer:row-writer-ended");
    return answer;
  }

  async #find(tenant: string): Promise<string> {
    const found = await this.#directories.find(tenant);
    if (found) return found;
    const path = join(this.#parts.directory, tenant, "data");
    throw new TenantError("identity-missing", `${path} is no directory.`);
  }

  /** On disk before a row is written: who was overtaken once never writes again. */
  async #raiseEpoch(tenant: string, epoch: bigint): Promise<void> {
    const file = new EpochFile(this.#parts.state, tenant);
    const highest = await file.read();
    if (epoch < highest)
      throw new RefusalError(
        "stale-epoch",
        `The claim's epoch is ${epoch}; ${tenant} was written under ${highest}.`,
      );
    if (epoch > highest) await file.raise(epoch);
  }
}

/** Waits for those before; not for ever. */
async function takeTurn(slots: Slots, signal: AbortSignal): Promise<Disposable> {
  const patience = AbortSignal.timeout(TURN_MILLISECONDS);
  try {
    return await slots.take(AbortSignal.any([signal, patience]));
  } catch (cause) {
    signal.throwIfAborted();
    throw new RefusalError("busy", "Other writes took longer than this one can wait.", {}, { cause });
  }
}

/** The rest of the body is read and dropped, for as long as the server lets a request last: else the answer would be lost. */
function refuseBody(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.setHeader("connection", "close");
  const message = `The body is longer than ${MAX_WRITE_BYTES} bytes.`;
  sendJson(response, 413, { code: "request-too-large", message, remedy: "Send fewer rows at a time." });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

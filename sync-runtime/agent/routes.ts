import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { faultPoint } from "../fault-point.ts";
import type { Log } from "../host/log.ts";
import { Slots } from "../host/slots.ts";
import type { TenantDirectory } from "../host/tenant-directory.ts";
import { tenantErrorOf } from "../host/tenant-error.ts";
import { encodeJsonFrame, FrameType } from "../protocol/frame.ts";
import { ChangesRequest, type Failure } from "../protocol/message.ts";
import type { Bandwidth } from "./bandwidth.ts";
import type { ChangeFinder, Changes, Snapshot, SnapshotEnd, TenantSource } from "./changes.ts";
import { takeInventory } from "./inventory.ts";
import type { ChangesResult, Metrics } from "./metrics.ts";
import { compressWhole, lastBlocks } from "./zstd.ts";

const MAX_BODY_BYTES = 4096;
const CHANGES_PATH = /^\/v1\/tenants\/([^/]+)\/changes$/;
/** The end of an answer reaches the node a little before it reaches us. */
const TURN_PATIENCE_MILLISECONDS = 1_000;
/** A node that takes nothing for so long has gone away. */
const SEND_IDLE_MILLISECONDS = 60_000;

/** Told once, how a request for changes ended. */
type Count = (result: ChangesResult) => void;

/** A request that is answered with a status of its own, before any frame. */
class RequestError extends Error {
  readonly status: number;
  readonly failure: Failure;

  constructor(status: number, failure: Failure) {
    super(failure.message);
    this.status = status;
    this.failure = failure;
  }
}

/** What the routes answer from. */
export interface AgentParts {
  host: string;
  tenants: TenantDirectory;
  changes: ChangeFinder;
  bandwidth: Bandwidth;
  metrics: Metrics;
  log: Log;
  /** Nanoseconds since 1970. */
  now: () => bigint;
  /** Directory in which the host's backups are told of. */
  backups?: string | undefined;
}

/** Answers the requests of nodes; who asks has been checked before. */
export class Routes {
  readonly #parts: AgentParts;
  /** One turn per tenant: its record knows one pending snapshot. */
  readonly #turns = new Map<string, Slots>();

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  /** Answers one request; an answer that cannot be given any more breaks the connection off. */
  async handle(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    try {
      await this.#route(request, response, signal);
    } catch (error) {
      if (response.headersSent || signal.aborted) response.destroy();
      else if (error instanceof RequestError) sendJson(response, error.status, error.failure);
      else {
        this.#parts.log.error({ err: error, path: request.url }, "request failed");
        const message = "The agent could not answer.";
        sendJson(response, 500, { code: "agent-failed", message, remedy: "See the agent's log." });
      }
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { host, tenants, now, backups } = this.#parts;
    const asked = `${request.method} ${request.url}`;
    if (asked === "GET /health") return sendJson(response, 200, { status: "ok", host });
    if (asked === "GET /v1/inventory")
      return sendJson(response, 200, await takeInventory(host, tenants, now, backups));
    if (asked === "GET /metrics") return this.#sendMetrics(response);
    const [, id] = (request.method === "POST" && CHANGES_PATH.exec(request.url ?? "")) || [];
    const directory = id && (await tenants.find(id));
    if (!id || !directory) {
      const message = id
        ? `Host ${host} has no data directory of tenant ${id}.`
        : `${asked} is nothing that this agent serves.`;
      throw new RequestError(404, {
        code: "not-found",
        message,
        remedy: "Check that its data volume is mounted, and that the tenant lives on this host.",
      });
    }
    // Held until the answer has been sent: a second snapshot would take the place of the pending one.
    using _turn = await this.#takeTurn(id, response);
    const wanted = await readBody(request);
    faultPoint("agent:asked");
    await this.#sendChanges({ id, directory }, wanted, response, signal);
  }

  /** Waits a moment for a tenant that another node is being served. */
  async #takeTurn(id: string, response: ServerResponse): Promise<Disposable> {
    const turn = this.#turns.get(id) ?? new Slots(1);
    this.#turns.set(id, turn);
    try {
      return await turn.take(AbortSignal.timeout(TURN_PATIENCE_MILLISECONDS));
    } catch {
      this.#parts.metrics.changes.inc({ client: id, result: "busy" });
      response.setHeader("retry-after", "5");
      const message = `Another node is being sent the changes of ${id}.`;
      throw new RequestError(409, { code: "tenant-busy", message, remedy: "Try again in a few seconds." });
    }
  }

  /** Answers with frames, whatever the tenant's database is like. */
  async #sendChanges(
    tenant: TenantSource,
    asked: ChangesRequest,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { changes } = this.#parts;
    const count = this.#counter(tenant);
    let found: Changes;
    try {
      found = await changes.find(tenant, asked, signal);
    } catch (error) {
      return sendFrames(response, this.#failure(tenant, error, count));
    }
    if (found.type === "unchanged") {
      count("unchanged");
      return sendFrames(response, encodeJsonFrame(FrameType.unchanged, found.unchanged));
    }
    await using snapshot = found.snapshot;
    writeFramesHead(response);
    dropIfStalled(response);
    const frames = this.#parts.bandwidth.limit(this.#frames(tenant, snapshot, count), signal);
    await pipeline(frames, response, { signal });
    this.#parts.log.info({ tenant: tenant.id, sync: snapshot.sync }, "snapshot was sent");
    faultPoint("agent:sent");
  }

  /** A snapshot while it is read, then its manifest, or the word that all of it counts for nothing. */
  async *#frames(tenant: TenantSource, snapshot: Snapshot, count: Count): AsyncGenerator<Buffer> {
    let begun = false;
    for await (const chunk of snapshot.contents) {
      begun = true;
      yield chunk;
    }
    const finish = begun ? lastBlocks : compressWhole;
    let end: SnapshotEnd;
    try {
      end = await snapshot.ended;
    } catch (error) {
      return yield finish(this.#failure(tenant, error, count));
    }
    const { metrics, log } = this.#parts;
    const { sync } = snapshot;
    const { manifest, mode, generation, rows, bytes } = end;
    count("sent");
    metrics.snapshotRows.set({ client: tenant.id }, rows);
    metrics.snapshotBytes.set({ client: tenant.id }, bytes);
    const tables = manifest.tables.length;
    log.info({ tenant: tenant.id, sync, mode, generation, tables, rows, bytes }, "snapshot was taken");
    yield finish(encodeJsonFrame(FrameType.manifest, manifest));
  }

  /** Counts how a request ended, and after which time. */
  #counter({ id }: TenantSource): Count {
    const { metrics } = this.#parts;
    const began = process.hrtime.bigint();
    return (result) => {
      metrics.changes.inc({ client: id, result });
      metrics.seconds.observe({ client: id, result }, Number(process.hrtime.bigint() - began) / 1e9);
    };
  }

  /** The frame that says why a tenant cannot be read; throws what is nobody's but the agent's. */
  #failure({ id }: TenantSource, error: unknown, count: Count): Buffer {
    const failure = tenantErrorOf(error);
    const { log, metrics } = this.#parts;
    count("failed");
    metrics.errors.inc({ client: id, code: failure.code });
    log.warn({ tenant: id, code: failure.code, reason: failure.message }, "tenant could not be read");
    return encodeJsonFrame(FrameType.error, failure.failure);
  }

  /** Sizes are looked at now, so that a tenant nobody asks for is seen as well. */
  async #sendMetrics(response: ServerResponse): Promise<void> {
    const { host, tenants, metrics, now, backups } = this.#parts;
    const inventory = await takeInventory(host, tenants, now, backups);
    for (const { id, database } of inventory.tenants)
      metrics.databaseBytes.set({ client: id }, database.bytes);
    metrics.backups.show(inventory.tenants.flatMap(({ backup }) => backup ?? []));
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(await metrics.text());
  }
}

/** The request's body, bounded, or the word that it is none. */
async function readBody(request: IncomingMessage): Promise<ChangesRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) break;
    chunks.push(chunk);
  }
  try {
    return ChangesRequest.parse(JSON.parse(Buffer.concat(chunks).toString()));
  } catch {
    const message = 'The body is not {"committed": "<sync id>"|null}.';
    throw new RequestError(400, {
      code: "bad-request",
      message,
      remedy: "Run agent and nodes of one version.",
    });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** @param length of the answer, where it is known before */
const writeFramesHead = (response: ServerResponse, length?: number) =>
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-encoding": "zstd",
    ...(length !== undefined && { "content-length": length }),
  });

/** Answers with frames that are few and short. */
function sendFrames(response: ServerResponse, frames: Buffer): void {
  const bytes = compressWhole(frames);
  writeFramesHead(response, bytes.length).end(bytes);
}

/** Breaks off when nothing is taken of what waits to be sent; that a reader has nothing to send yet is no reason. */
function dropIfStalled(response: ServerResponse): void {
  response.setTimeout(SEND_IDLE_MILLISECONDS, () => {
    if (response.writableLength > 0) response.destroy();
  });
}

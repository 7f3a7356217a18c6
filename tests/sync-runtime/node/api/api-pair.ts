import { generateKeyPairSync, randomUUID } from "node:crypto";
import fastify, { type FastifyInstance } from "fastify";
import { pino } from "pino";
import { answerProblems } from "../../../../sync-runtime/node/api/problem.ts";
import { RateLimit } from "../../../../sync-runtime/node/api/rate-limit.ts";
import { RefusedWrites } from "../../../../sync-runtime/node/api/refused-writes.ts";
import type { ApiContext } from "../../../../sync-runtime/node/api/route.ts";
import { routes } from "../../../../sync-runtime/node/api/routes.ts";
import { serveRoutes } from "../../../../sync-runtime/node/api/serve-routes.ts";
import { TokenGate } from "../../../../sync-runtime/node/api/token.ts";
import { DEFAULT_TIMING } from "../../../../sync-runtime/node/lease-timing.ts";
import { Metrics } from "../../../../sync-runtime/node/metrics.ts";
import type { NodeContext } from "../../../../sync-runtime/node/node-context.ts";
import { Postgres } from "../../../../sync-runtime/node/postgres.ts";
import { StateCache } from "../../../../sync-runtime/node/state-cache.ts";
import { operatorToken, type Scope } from "../../../../toolchain/commands/operator-token.ts";
import type { TestDatabase } from "../../../support/postgres.ts";

const operator = generateKeyPairSync("ed25519");
const operatorKey = operator.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const publicKey = operator.publicKey.export({ type: "spki", format: "pem" }) as string;

/** What one request of a test may say. */
export interface Asking {
  scope?: Scope;
  subject?: string;
  /** Instead of an operator's; empty for none. */
  token?: string;
  address?: string;
  key?: string;
  body?: object;
}

/** The API of two nodes over one real Postgres, without their sockets. */
export class ApiPair implements AsyncDisposable {
  /** Milliseconds on the nodes' clock, which stands still. */
  #now = 0;
  readonly #nodes: { server: FastifyInstance; postgres: Postgres; refused: RefusedWrites }[];

  constructor(database: TestDatabase) {
    this.#nodes = ["a", "b"].map((node) => {
      const log = pino({ enabled: false });
      const postgres = new Postgres(database.credentials("sync_main"), 3, `api:${node}`, log);
      const server = fastify({ genReqId: () => randomUUID() }) as unknown as FastifyInstance;
      answerProblems(server, log);
      const api = { node, postgres, log, timing: DEFAULT_TIMING, metrics: new Metrics() };
      const states = new StateCache({
        ...api,
        clock: { monotonic: () => this.#now },
      } as unknown as NodeContext);
      const refused = new RefusedWrites(api);
      serveRoutes(server, routes, { ...api, states, lease: {} } as unknown as ApiContext, {
        gate: new TokenGate([publicKey]),
        subjects: new RateLimit({ perSecond: 1, burst: 1000 }, () => 0),
        refused,
        transaction: (work) => postgres.transaction(work),
      });
      return { server, postgres, refused };
    });
  }

  /** One request to one of the nodes. */
  async ask(node: 0 | 1, method: "GET" | "POST" | "PUT", url: string, asking: Asking = {}) {
    const { scope = method === "GET" ? "read" : "operate", subject = "ana", key, body } = asking;
    const token = asking.token ?? (await operatorToken(operatorKey, { scope, subject }));
    const answer = await this.#nodes[node]?.server.inject({
      method,
      url,
      ...(asking.address ? { remoteAddress: asking.address } : {}),
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      ...(body ? { payload: body } : {}),
    });
    if (!answer) throw new Error(`there is no node ${node}`);
    return {
      status: answer.statusCode,
      json: answer.json(),
      replayed: answer.headers["idempotency-replayed"] === "true",
    };
  }

  /** Lets time pass on the nodes' clock. */
  later(ms: number): void {
    this.#now += ms;
  }

  /** Has both nodes record which writes they refused. */
  async recordRefused(): Promise<void> {
    for (const { refused } of this.#nodes) await refused.record();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map(({ postgres }) => postgres.close()));
  }
}

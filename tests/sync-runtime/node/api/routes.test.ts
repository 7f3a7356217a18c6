import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fastify from "fastify";
import { SignJWT } from "jose";
import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { answerProblems } from "../../../../sync-runtime/node/api/problem.ts";
import { addRoutes } from "../../../../sync-runtime/node/api/routes.ts";
import { TokenGate } from "../../../../sync-runtime/node/api/token.ts";
import type { Lease } from "../../../../sync-runtime/node/lease.ts";
import { Metrics } from "../../../../sync-runtime/node/metrics.ts";
import type { NodeContext } from "../../../../sync-runtime/node/node-context.ts";

const operator = generateKeyPairSync("ed25519");
const former = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }) as string;

/** What Postgres answers, by statement; a missing one fails as an unreachable server does. */
let rows: Record<string, unknown[]>;
/** Hears what Postgres is asked. */
let asked: (name: string, parameters: unknown[]) => void;
let server: ReturnType<typeof fastify>;

beforeEach(() => {
  rows = {};
  asked = () => {};
  server = fastify();
  const postgres = {
    rows: async (name: string, parameters: unknown[] = []) => {
      asked(name, parameters);
      if (!rows[name]) throw new Error("connect ECONNREFUSED, password=hunter2");
      return rows[name];
    },
  };
  const log = pino({ enabled: false });
  answerProblems(server, log);
  const context = { node: "a", postgres, metrics: new Metrics(), log } as unknown as NodeContext;
  const gate = new TokenGate([pem(former.publicKey), pem(operator.publicKey)]);
  addRoutes(server, context, { epoch: 7 } as Lease, gate);
});

interface TokenOptions {
  scope?: unknown;
  key?: KeyObject;
  audience?: string;
  issued?: number;
  seconds?: number;
}

async function tokenOf({
  scope = "read",
  key = operator.privateKey,
  ...options
}: TokenOptions): Promise<string> {
  const { audience = "owui-cluster", issued = 0, seconds = 300 } = options;
  const now = Math.floor(Date.now() / 1000) + issued;
  const token = new SignJWT({ scope }).setProtectedHeader({ alg: "EdDSA" }).setAudience(audience);
  return token
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(key);
}

const ask = async (method: "GET" | "POST", url: string, options?: TokenOptions) =>
  server.inject({
    method,
    url,
    headers: options ? { authorization: `Bearer ${await tokenOf(options)}` } : {},
  });

describe("who may ask for what:", () => {
  const READ = ["metrics", "cluster", "sync/status", "sync/history", "sync/differences/7"].map((path) =>
    path === "metrics" ? "GET /metrics" : `GET /api/v1/${path}`,
  );
  const OPERATE = ["POST /api/v1/sync/trigger/acme", "POST /api/v1/sync/verify/acme"];
  const routes = [...READ, ...OPERATE].map((route) => route.split(" ") as ["GET" | "POST", string]);

  beforeEach(() => {
    rows = { "cluster-nodes": [], "sync-status": [], "sync-history": [], "sync-differences": [] };
    rows["trigger-sync"] = rows["trigger-verify"] = [{ id: "1" }];
  });

  test.each(routes)("%s %s wants a token", async (method, url) => {
    const answer = await ask(method, url);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["content-type"]).toMatch("application/problem+json");
    expect(answer.json()).toEqual({
      type: "about:blank",
      title: "Unauthorized",
      status: 401,
      detail: "Send an operator's token: Authorization: Bearer <JWT>.",
    });
  });

  test.each(routes)("%s %s with each scope", async (method, url) => {
    const status = async (scope: unknown) => (await ask(method, url, { scope })).statusCode;
    const allowed = method === "GET" ? 200 : 202;
    expect(await status("operate")).toBe(allowed);
    expect(await status("read operate")).toBe(allowed);
    expect(await status("read")).toBe(method === "GET" ? 200 : 403);
    for (const scope of ["", "reader", "admin", null, ["read"]]) expect(await status(scope)).toBe(403);
  });

  test.each<[string, TokenOptions, string]>([
    ["of a stranger", { key: stranger.privateKey }, "not signed by an operator's key"],
    ["for another audience", { audience: "elsewhere" }, 'unexpected "aud" claim value'],
    ["that has expired", { issued: -400 }, '"exp" claim timestamp check failed'],
    ["valid for longer than ten minutes", { seconds: 601 }, "valid for more than 600 seconds"],
    ["issued in the future", { issued: 3600 }, '"iat" claim timestamp check failed'],
  ])("a token %s is refused", async (_, options, detail) => {
    const answer = await ask("GET", "/metrics", options);
    expect(answer.statusCode).toBe(401);
    expect(answer.json().detail).toContain(detail);
  });

  test("a token of either of two keys is accepted, so that keys can be replaced", async () => {
    expect((await ask("GET", "/metrics", { key: former.privateKey })).statusCode).toBe(200);
  });

  test.each(["Bearer", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer e30.e30."])(
    "%j is no token",
    async (authorization) => {
      const answer = await server.inject({ url: "/metrics", headers: { authorization } });
      expect(answer.statusCode).toBe(401);
    },
  );
});

describe("/health", () => {
  test("is open and names the leader", async () => {
    rows["cluster-nodes"] = [{ id: "b", leader: true, epoch: "9", seen_at: new Date() }];
    expect((await ask("GET", "/health")).json()).toEqual({
      status: "ok",
      node: "a",
      is_leader: true,
      leader_id: "b",
      epoch: 9,
    });
  });

  test("answers while Postgres is away", async () => {
    expect((await ask("GET", "/health")).json()).toMatchObject({ status: "degraded", leader_id: null });
  });
});

const iso = "2026-01-01T00:00:00.000Z";
const at = new Date(iso);
const HELD = "0b8f7c1e-6a55-4b5c-9d3e-2f1a0c9b8d7e";
const progress = { tables: [{ table: "chat", rows: 3, rows_total: 9, bytes: 30, bytes_total: 90 }] };

const NOTHING = {
  ...{ id: "globex", host: "local", interval: 300, paused: false },
  ...{ status: null, finished_at: null, error: null, progress: null },
  ...{ running_id: null, running_kind: null, running_since: null, running_progress: null },
  ...{ verified_at: null, deep_verified_at: null, tables: 0, rows: "0", equal: false },
  ...{ held_id: null, held_reason: null, held_detail: null, held_at: null, held_accepted: false },
};

test("the status of syncs has the shape that scripts read", async () => {
  rows["sync-status"] = [
    {
      ...NOTHING,
      ...{ id: "acme", status: "held", finished_at: at, error: "why", progress },
      ...{ running_id: "7", running_kind: "verify", running_since: at, running_progress: progress },
      ...{ verified_at: at, deep_verified_at: at, tables: 43, rows: "412", equal: true },
      ...{ held_id: HELD, held_reason: "source-empty", held_detail: { held: 412 }, held_at: at },
    },
    NOTHING,
  ];
  const common = { host: "local", interval: 300, paused: false };
  expect((await ask("GET", "/api/v1/sync/status", {})).json()).toEqual({
    tenants: [
      {
        ...{ id: "acme", ...common, last: { status: "held", finished_at: iso, error: "why", progress } },
        running: { id: "7", kind: "verify", started_at: iso, progress },
        replica: {
          ...{ verified_at: iso, tables: 43, rows: 412, equal: true, deep_verified_at: iso },
          held: {
            ...{ id: HELD, reason: "source-empty", detail: { held: 412 }, since: iso, accepted: false },
            text: "the source is empty, and 412 rows are held",
          },
        },
      },
      {
        ...{ id: "globex", ...common, last: null, running: null },
        replica: { verified_at: null, tables: 0, rows: 0, equal: false, deep_verified_at: null, held: null },
      },
    ],
  });
});

describe("the history", () => {
  test("is of everything, unless a client and a limit are named", async () => {
    rows["sync-history"] = [];
    const parameters: unknown[][] = [];
    asked = (_, values) => parameters.push(values);
    await ask("GET", "/api/v1/sync/history", {});
    await ask("GET", "/api/v1/sync/history?client=acme&limit=5", {});
    expect(parameters).toEqual([
      [null, 50],
      ["acme", 5],
    ]);
  });

  test.each(["limit=0", "limit=1001", "limit=all"])("with %s is refused", async (search) => {
    const answer = await ask("GET", `/api/v1/sync/history?${search}`, {});
    expect(answer.statusCode).toBe(400);
    expect(answer.json().detail).toBe("Send client=<tenant>, limit=<1 to 1000>.");
  });
});

test.each(["x", "0", "1%3B", "9".repeat(30)])("differences of job %s are refused", async (job) => {
  expect((await ask("GET", `/api/v1/sync/differences/${job}`, {})).statusCode).toBe(400);
});

describe("accepting what a replica is held for", () => {
  const accept = async (payload: unknown, scope = "operate", tenant = "acme") =>
    server.inject({
      method: "POST",
      url: `/api/v1/sync/accept/${tenant}`,
      headers: { authorization: `Bearer ${await tokenOf({ scope })}` },
      payload: payload as object,
    });

  beforeEach(() => {
    rows["sync-status"] = [{ ...NOTHING, id: "acme" }];
    rows["accept-hold"] = [{ accepted: true }];
    rows["trigger-sync"] = [{ id: "8" }];
  });

  test("queues the sync that goes through", async () => {
    const answer = await accept({ held: HELD });
    expect([answer.statusCode, answer.json()]).toEqual([202, { tenant: "acme", job: "8" }]);
  });

  test("is the operator's, not a reader's", async () => {
    expect((await accept({ held: HELD }, "read")).statusCode).toBe(403);
  });

  test.each([{}, { held: "yes" }, { held: HELD, more: 1 }])("needs to name it: %j", async (payload) => {
    expect((await accept(payload)).statusCode).toBe(400);
  });

  test("is refused when it is held for something else by now", async () => {
    rows["accept-hold"] = [{ accepted: false }];
    const answer = await accept({ held: HELD });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toBe(
      `The replica of acme is not held for ${HELD}, or no longer: nothing was accepted. Look at what it is held for now.`,
    );
  });

  test("of a tenant that the cluster does not have is refused", async () => {
    expect((await accept({ held: HELD }, "operate", "nobody")).statusCode).toBe(404);
  });
});

test("a tenant that the cluster does not have cannot be triggered", async () => {
  rows["trigger-sync"] = [];
  const answer = await ask("POST", "/api/v1/sync/trigger/nobody", { scope: "operate" });
  expect(answer.statusCode).toBe(404);
  expect(answer.json().detail).toBe("This cluster has no tenant nobody.");
});

test("a fault of ours is told without its cause", async () => {
  const answer = await ask("GET", "/api/v1/sync/status", {});
  expect(answer.statusCode).toBe(503);
  expect(answer.body).not.toContain("hunter2");
});

test("an unknown path is a problem too", async () => {
  const answer = await ask("GET", "/api/v1/nothing");
  expect(answer.statusCode).toBe(404);
  expect(answer.json().detail).toBe("There is no GET /api/v1/nothing.");
});

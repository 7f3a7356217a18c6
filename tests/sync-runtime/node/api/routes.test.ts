import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fastify from "fastify";
import { SignJWT } from "jose";
import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { answerProblems } from "../../../../sync-runtime/node/api/problem.ts";
import { RateLimit } from "../../../../sync-runtime/node/api/rate-limit.ts";
import { RefusedWrites } from "../../../../sync-runtime/node/api/refused-writes.ts";
import type { ApiContext, Route } from "../../../../sync-runtime/node/api/route.ts";
import { routes } from "../../../../sync-runtime/node/api/routes.ts";
import { serveRoutes } from "../../../../sync-runtime/node/api/serve-routes.ts";
import { keyId, SCOPES, type Scope, TokenGate } from "../../../../sync-runtime/node/api/token.ts";
import { DEFAULT_TIMING } from "../../../../sync-runtime/node/lease-timing.ts";
import { Metrics } from "../../../../sync-runtime/node/metrics.ts";
import type { NodeContext } from "../../../../sync-runtime/node/node-context.ts";
import { StateCache } from "../../../../sync-runtime/node/state-cache.ts";
import type { Inventory } from "../../../../sync-runtime/protocol/message.ts";

const operator = generateKeyPairSync("ed25519");
const former = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }) as string;

/** What Postgres answers, by statement; a missing one fails as an unreachable server does. */
let rows: Record<string, unknown[]>;
/** Hears what Postgres is asked. */
let asked: (name: string, parameters: unknown[]) => void;
/** What the only host's agent reports. */
let inventory: Inventory;
/** What the node shows. */
let certificate: { validFromDate: Date; validToDate: Date };
let server: ReturnType<typeof fastify>;

beforeEach(() => {
  rows = {};
  asked = () => {};
  inventory = { host: "local", tenants: [] };
  certificate = { validFromDate: new Date(0), validToDate: new Date(Date.now() + 60_000) };
  server = fastify({ genReqId: () => "0b8f7c1e-6a55-4b5c-9d3e-2f1a0c9b8d7e" });
  const postgres = {
    rows: async (name: string, parameters: unknown[] = []) => {
      asked(name, parameters);
      if (name === "record-write") return [];
      if (!rows[name])
        throw Object.assign(new Error("connect ECONNREFUSED, password=hunter2"), { code: "ECONNREFUSED" });
      return rows[name];
    },
  };
  const log = pino({ enabled: false });
  answerProblems(server, log);
  const given = {
    lease: { epoch: 7 },
    timing: DEFAULT_TIMING,
    certificate: () => certificate,
    certificates: { ends: [{ name: "urn:owui:node:main:a", expires: at.getTime() / 1000 }] },
    metrics: new Metrics(),
  };
  const clock = { monotonic: () => 0 };
  const states = new StateCache({ ...given, postgres, clock } as unknown as NodeContext);
  const agents = { inventory: async () => inventory };
  const api = { node: "a", postgres, log, states, agents, ...given } as unknown as ApiContext;
  serveRoutes(server, routes, api, {
    gate: new TokenGate([pem(former.publicKey), pem(operator.publicKey)]),
    subjects: new RateLimit({ perSecond: 1, burst: 100 }, () => 0),
    refused: new RefusedWrites({ node: "a", postgres, log }),
    transaction: (work) => work(postgres),
  });
});

interface TokenOptions {
  scope?: unknown;
  key?: KeyObject;
  audience?: string;
  issued?: number;
  seconds?: number;
  /** Whose id the token names, if not the key's that signs it. */
  signedAs?: KeyObject;
  /** Claims instead of the usual ones. */
  claims?: Record<string, unknown>;
}

async function tokenOf({
  scope = "read",
  key = operator.privateKey,
  ...options
}: TokenOptions): Promise<string> {
  const { audience = "owui-cluster", issued = 0, seconds = 300 } = options;
  const now = Math.floor(Date.now() / 1000) + issued;
  const claims = { scope, sub: "ana", jti: "1", ...options.claims };
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: "EdDSA", kid: keyId(options.signedAs ?? key) })
    .setAudience(audience);
  return token
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(key);
}

const ask = async (method: Route["method"], url: string, options?: TokenOptions) =>
  server.inject({
    method,
    url,
    headers: options ? { authorization: `Bearer ${await tokenOf(options)}` } : {},
  });

describe("who may ask for what:", () => {
  /** An address that the path of a declaration matches. */
  const addressOf = (path: string) => path.replace("{tenant}", "acme").replace(/\{\w+\}/, "7");
  const guarded = routes
    .filter(({ scope }) => scope !== "public")
    .map(
      ({ method, path, scope, status }) => [method, addressOf(path), scope as Scope, status ?? 200] as const,
    );

  beforeEach(() => {
    rows = {
      "cluster-nodes": [],
      "leader-history": [],
      "sync-status": [],
      "sync-history": [],
      "sync-differences": [],
    };
    rows["trigger-sync"] = rows["trigger-verify"] = [{ id: "1" }];
  });

  test.each(guarded)("%s %s wants a token", async (method, url) => {
    const answer = await ask(method, url);
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["content-type"]).toMatch("application/problem+json");
    expect(answer.json()).toEqual({
      type: "urn:owui:problem:not-authenticated",
      title: "There is no token that is accepted",
      status: 401,
      detail: "Send an operator's token: Authorization: Bearer <JWT>.",
      instance: "urn:uuid:0b8f7c1e-6a55-4b5c-9d3e-2f1a0c9b8d7e",
    });
  });

  test.each(guarded)("%s %s allows %s and what includes it", async (method, url, asked) => {
    const status = async (scope: unknown) => (await ask(method, url, { scope })).statusCode;
    for (const scope of SCOPES) {
      const allowed = SCOPES.indexOf(scope) >= SCOPES.indexOf(asked);
      if (allowed) expect(await status(scope)).not.toBe(403);
      else expect(await status(scope)).toBe(403);
    }
    for (const scope of ["", "reader", null, ["read"], 7]) expect(await status(scope)).toBe(403);
  });

  test.each<[string, TokenOptions, string]>([
    ["of a stranger", { key: stranger.privateKey }, "kid names no operator's key"],
    [
      "of a stranger who says to be the operator",
      { key: stranger.privateKey, signedAs: operator.publicKey },
      "signature verification failed",
    ],
    ["for another audience", { audience: "elsewhere" }, 'unexpected "aud" claim value'],
    ["that has expired", { issued: -400 }, '"exp" claim timestamp check failed'],
    ["valid for longer than ten minutes", { seconds: 601 }, "valid for more than 600 seconds"],
    ["for nobody", { claims: { sub: undefined } }, "it has no sub and jti"],
    ["without an id", { claims: { jti: "" } }, "it has no sub and jti"],
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

describe("/ready", () => {
  test("is open, and 200 when Postgres answers and the certificate is valid", async () => {
    rows["cluster-nodes"] = [];
    const answer = await ask("GET", "/ready");
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: "ready", node: "a" }]);
  });

  test("is 503 while Postgres is away", async () => {
    const answer = await ask("GET", "/ready");
    expect([answer.statusCode, answer.json().type]).toEqual([503, "urn:owui:problem:not-ready"]);
    expect(answer.json().detail).toBe("Postgres does not answer the node.");
  });

  test.each([
    ["has ended", new Date(0), new Date(1)],
    ["is not valid yet", new Date(Date.now() + 60_000), new Date(Date.now() + 90_000)],
  ])("is 503 when the certificate %s", async (_, validFromDate, validToDate) => {
    rows["cluster-nodes"] = [];
    certificate = { validFromDate, validToDate };
    const answer = await ask("GET", "/ready");
    expect([answer.statusCode, answer.json().type]).toEqual([503, "urn:owui:problem:not-ready"]);
  });
});

test("strangers who ask at once cost Postgres one statement", async () => {
  rows["cluster-nodes"] = [];
  let statements = 0;
  asked = () => statements++;
  await Promise.all(Array.from({ length: 20 }, () => ask("GET", "/health")));
  expect(statements).toBeLessThan(20);
});

const iso = "2026-01-01T00:00:00.000Z";
const at = new Date(iso);
const HELD = "0b8f7c1e-6a55-4b5c-9d3e-2f1a0c9b8d7e";
const progress = { tables: [{ table: "chat", rows: 3, rows_total: 9, bytes: 30, bytes_total: 90 }] };

const NOTHING = {
  ...{ id: "globex", host: "local", interval: 300, paused: false },
  ...{ quarantined_at: null, failures: 0 },
  ...{ state: "active", state_since: at, state_by: "sync", state_reason: "" },
  ...{ status: null, finished_at: null, error: null, progress: null },
  ...{ running_id: null, running_kind: null, running_since: null, running_progress: null },
  ...{ verified_at: null, deep_verified_at: null, tables: 0, rows: "0", equal: false, decided: "0" },
  ...{ held_id: null, held_reason: null, held_detail: null, held_at: null, held_accepted: false },
  ...{
    live_database: null,
    direction: "one-way",
    write_refused_code: null,
    write_refused: null,
    write_refused_at: null,
  },
};

describe("/api/v1/cluster", () => {
  const past = { epoch: "3", node: "a", run: HELD, from: at, until: at, ended: "released", age: 90.5 };
  const now = { epoch: "4", node: "b", run: HELD, from: at, until: null, ended: null, age: 12.5 };

  test("names the nodes, who leads since when, and who led before", async () => {
    rows["cluster-nodes"] = [{ id: "b", leader: true, epoch: "4", seen_at: at }];
    rows["leader-history"] = [now, past];
    expect((await ask("GET", "/api/v1/cluster", {})).json()).toEqual({
      nodes: [{ id: "b", leader: true, epoch: 4, seen_at: iso }],
      leader: { node: "b", run: HELD, epoch: 4, from: iso, age: 12.5 },
      history: [
        { ...now, epoch: 4, from: iso },
        { ...past, epoch: 3, from: iso, until: iso },
      ],
      certificates: [{ name: "urn:owui:node:main:a", expires_at: iso }],
    });
  });

  test("says that nobody leads", async () => {
    rows["cluster-nodes"] = [];
    rows["leader-history"] = [past];
    expect((await ask("GET", "/api/v1/cluster", {})).json().leader).toBeNull();
  });
});

test("the status of syncs has the shape that scripts read", async () => {
  rows["sync-status"] = [
    {
      ...NOTHING,
      ...{ id: "acme", status: "held", finished_at: at, error: "why", progress },
      ...{ running_id: "7", running_kind: "verify", running_since: at, running_progress: progress },
      ...{ verified_at: at, deep_verified_at: at, tables: 43, rows: "412", equal: true, decided: "2" },
      ...{ held_id: HELD, held_reason: "source-empty", held_detail: { held: 412 }, held_at: at },
      ...{
        direction: "both",
        write_refused_code: "busy",
        write_refused: "It is busy.",
        write_refused_at: at,
      },
    },
    NOTHING,
  ];
  const state = { is: "active", since: iso, by: "sync", reason: "" };
  const common = {
    host: "local",
    interval: 300,
    paused: false,
    state,
    quarantine: null,
    live_database: null,
  };
  expect((await ask("GET", "/api/v1/sync/status", {})).json()).toEqual({
    tenants: [
      {
        ...{ id: "acme", ...common, last: { status: "held", finished_at: iso, error: "why", progress } },
        running: { id: "7", kind: "verify", started_at: iso, progress },
        ...{ direction: "both", write_refused: { code: "busy", text: "It is busy.", since: iso } },
        replica: {
          ...{ verified_at: iso, tables: 43, rows: 412, equal: true, decided: 2, deep_verified_at: iso },
          held: {
            ...{ id: HELD, reason: "source-empty", detail: { held: 412 }, since: iso, accepted: false },
            text: "the source is empty, and 412 rows are held",
          },
        },
      },
      {
        ...{ id: "globex", ...common, last: null, running: null },
        ...{ direction: "one-way", write_refused: null },
        replica: {
          verified_at: null,
          tables: 0,
          rows: 0,
          equal: false,
          decided: 0,
          deep_verified_at: null,
          held: null,
        },
      },
    ],
    next: null,
  });
});

describe("the history", () => {
  test("is of everything, unless a client and a limit are named", async () => {
    rows["sync-history"] = [];
    const parameters: unknown[][] = [];
    asked = (_, values) => parameters.push(values);
    await ask("GET", "/api/v1/sync/history", {});
    await ask("GET", "/api/v1/sync/history?client=acme&limit=5&after=7", {});
    expect(parameters).toEqual([
      [null, 51, null],
      ["acme", 6, "7"],
    ]);
  });

  test.each(["limit=0", "limit=1001", "limit=all", "limit=1&limit=2"])(
    "with %s is refused",
    async (search) => {
      const answer = await ask("GET", `/api/v1/sync/history?${search}`, {});
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({
        type: "urn:owui:problem:invalid-request",
        detail: "The query is not as the route declares it, see errors.",
        errors: [{ parameter: "limit", detail: expect.stringContaining("expected") }],
      });
    },
  );
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
    rows.deployments = [{ client: "acme" }];
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
    rows.deployments = [];
    expect((await accept({ held: HELD }, "operate", "nobody")).statusCode).toBe(404);
  });
});

test.each(["trigger", "verify"])("a tenant on Postgres has nothing to %s, and is told so", async (what) => {
  rows["trigger-sync"] = [];
  rows["trigger-verify"] = [];
  const since = { since: at, by: "up", reason: "" };
  rows.deployments = [
    {
      ...{ client: "acme", host: "local", url: "http://x", interval: 60, status: "paused", verified: true },
      ...{ declared_paused: true, live_database: "postgresql://a@db/acme", ...since },
    },
  ];
  const answer = await ask("POST", `/api/v1/sync/${what}/acme`, { scope: "operate" });
  expect(answer.statusCode).toBe(409);
  expect(answer.json()).toMatchObject({
    type: "urn:owui:problem:not-synced",
    detail: expect.stringContaining("its replica stays as it was when it was promoted"),
  });
});

test("a tenant that the cluster does not have cannot be triggered", async () => {
  rows["trigger-sync"] = [];
  rows.deployments = [];
  const answer = await ask("POST", "/api/v1/sync/trigger/nobody", { scope: "operate" });
  expect(answer.statusCode).toBe(404);
  expect(answer.json().detail).toBe("This cluster has no tenant nobody.");
});

test("an outage is told as one, without its cause", async () => {
  const answer = await ask("GET", "/api/v1/sync/status", {});
  expect(answer.statusCode).toBe(503);
  expect(answer.json().type).toBe("urn:owui:problem:unavailable");
  expect(answer.body).not.toContain("hunter2");
});

test("an answer that is not as declared is a fault of ours, told without its cause", async () => {
  rows["sync-history"] = [{ id: "hunter2" }];
  const answer = await ask("GET", "/api/v1/sync/history", {});
  expect(answer.statusCode).toBe(500);
  expect(answer.json().type).toBe("urn:owui:problem:internal");
  expect(answer.body).not.toContain("hunter2");
});

test("nothing leaves that is not declared", async () => {
  rows["cluster-nodes"] = [{ id: "b", leader: true, epoch: "9", seen_at: at, password: "hunter2" }];
  rows["leader-history"] = [];
  const answer = await ask("GET", "/api/v1/cluster", {});
  expect(answer.json().nodes).toEqual([{ id: "b", leader: true, epoch: 9, seen_at: iso }]);
});

test("an unknown path is a problem too", async () => {
  const answer = await ask("GET", "/api/v1/nothing");
  expect(answer.statusCode).toBe(404);
  expect(answer.json().detail).toBe("There is no GET /api/v1/nothing.");
});

test("a method that a path does not take is refused with those it takes", async () => {
  const answer = await server.inject({ method: "DELETE", url: "/api/v1/sync/trigger/acme" });
  expect(answer.statusCode).toBe(405);
  expect(answer.headers.allow).toBe("POST");
  expect(answer.json().type).toBe("urn:owui:problem:method-not-allowed");
});

describe("what a route does not declare is refused:", () => {
  test("a parameter", async () => {
    const answer = await ask("GET", "/api/v1/cluster?all=1", {});
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ detail: "This route does not have it", parameter: "all" }]);
  });

  test("a body", async () => {
    const headers = { authorization: `Bearer ${await tokenOf({ scope: "operate" })}` };
    const url = "/api/v1/sync/trigger/acme";
    expect((await server.inject({ method: "POST", url, headers, payload: {} })).statusCode).toBe(400);
  });

  test.each(["Acme", "a.b", "-a", "a%00", "a".repeat(41)])("a tenant named %s", async (tenant) => {
    const answer = await ask("POST", `/api/v1/sync/trigger/${tenant}`, { scope: "operate" });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toEqual([{ detail: "Not a tenant's id", parameter: "tenant" }]);
  });

  test("a field of a body, by its place", async () => {
    const headers = { authorization: `Bearer ${await tokenOf({ scope: "operate" })}` };
    const url = "/api/v1/sync/accept/acme";
    const answer = await server.inject({ method: "POST", url, headers, payload: { held: 7 } });
    expect(answer.json().errors).toEqual([{ detail: expect.any(String), pointer: "#/held" }]);
  });
});

describe("declared beside reported", () => {
  const deployment = {
    ...{ client: "acme", host: "local", url: "http://x", interval: 60, status: "active", verified: true },
    ...{ declared_paused: false, live_database: null, since: at, by: "sync", reason: "" },
  };
  const host = { host: "local", status: "active", address: "x:1", identity: "urn:x", tenants: 1 };
  const database = { exists: true, bytes: 4096, journal_mode: "wal" as const, modified_at: iso };

  beforeEach(() => {
    rows = { deployments: [deployment], hosts: [host] };
  });

  test("is shown with what differs, and what nobody declared", async () => {
    inventory.tenants = [
      { id: "acme", identity: null, database, backup: null },
      { id: "stranger", identity: null, database, backup: null },
    ];
    const { verified: _, ...declared } = deployment;
    expect((await ask("GET", "/api/v1/deployments", {})).json()).toEqual({
      tenants: [
        {
          declared: { ...declared, since: iso },
          reported: { identity: null, database: { exists: true, bytes: 4096, modified_at: iso } },
          differences: ["no-identity"],
        },
      ],
      undeclared: [{ host: "local", client: "stranger" }],
    });
  });

  test("is told how it is backed up", async () => {
    const backup = {
      ...{ tenant: "acme", every: 21_600, drillEvery: 604_800, since: iso, lastStarted: iso, lastGood: iso },
      ...{ snapshot: "4711", bytes: 100, addedBytes: 10, snapshots: 3, failing: null, drill: null },
    };
    inventory.tenants = [{ id: "acme", identity: null, database, backup }];
    const { tenant: _, ...told } = backup;
    expect((await ask("GET", "/api/v1/backups", {})).json()).toEqual({
      tenants: [{ client: "acme", host: "local", reached: true, backup: told }],
    });
    inventory.tenants = [{ id: "acme", identity: null, database, backup: null }];
    expect((await ask("GET", "/api/v1/backups", {})).json()).toEqual({
      tenants: [{ client: "acme", host: "local", reached: true, backup: null }],
    });
  });

  test("names every host", async () => {
    expect((await ask("GET", "/api/v1/hosts", {})).json()).toEqual({ hosts: [host] });
  });
});

test("whoever wants the head of the metrics alone gets it, and nothing is asked or made for it", async () => {
  const statements: string[] = [];
  asked = (name) => statements.push(name);
  const headers = { authorization: `Bearer ${await tokenOf({})}` };
  const head = await server.inject({ method: "HEAD", url: "/metrics", headers });
  expect([head.statusCode, head.headers["content-type"], head.body]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
    "",
  ]);
  expect(statements).toEqual([]);
});

describe("the status of many tenants", () => {
  const list = (count: number) =>
    Array.from({ length: count }, (_, nth) => ({ ...NOTHING, id: `tenant-${nth}` }));
  /** What is told of the first tenant, asked twice with this in between. */
  const twice = async (between: () => unknown, search = "") => {
    const told: unknown[] = [];
    for (const state of ["active", "paused"]) {
      rows["sync-status"] = (rows["sync-status"] ?? []).map((row) => ({ ...(row as object), state }));
      told.push((await ask("GET", `/api/v1/sync/status${search}`, {})).json().tenants[0].state.is);
      if (told.length < 2) await between();
    }
    return told;
  };
  const nothing = () => {};

  test("is told again to those who ask at once, and is the same as declared", async () => {
    rows["sync-status"] = list(20);
    expect(await twice(nothing)).toEqual(["active", "active"]);
    const { tenants, next } = (await ask("GET", "/api/v1/sync/status", {})).json();
    expect(next).toBeNull();
    expect(tenants.map(({ id }: { id: string }) => id)).toEqual(list(20).map(({ id }) => id));
  });

  test.each([
    ["/api/v1/sync/trigger/tenant-3", undefined],
    ["/api/v1/sync/resolve/7", { accept: "source" }],
  ])("is read anew behind a write to %s", async (url, payload) => {
    rows["sync-status"] = list(20);
    rows["trigger-sync"] = [{ id: "1" }];
    rows.conflicts = [];
    const headers = { authorization: `Bearer ${await tokenOf({ scope: "operate" })}` };
    const write = () => server.inject({ method: "POST", url, headers, ...(payload ? { payload } : {}) });
    expect(await twice(write)).toEqual(["active", "paused"]);
  });

  test("is as it is now, where they are few, or one is asked for", async () => {
    rows["sync-status"] = list(19);
    expect(await twice(nothing)).toEqual(["active", "paused"]);
    rows["sync-status"] = list(20);
    expect(await twice(nothing, "?client=tenant-0")).toEqual(["active", "paused"]);
  });

  test("is a fault of ours where one of them is not as declared", async () => {
    rows["sync-status"] = [...list(20), { id: "hunter2" }];
    const answer = await ask("GET", "/api/v1/sync/status", {});
    expect([answer.statusCode, answer.json().type]).toEqual([500, "urn:owui:problem:internal"]);
    expect(answer.body).not.toContain("hunter2");
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { routes } from "../../../../sync-runtime/node/api/routes.ts";
import { SCOPES, type Scope } from "../../../../sync-runtime/node/api/token.ts";
import { intentOf, RIVAL, TestDatabase } from "../../../support/postgres.ts";
import { ApiPair } from "./api-pair.ts";

let database: TestDatabase;
let pair: ApiPair;

beforeAll(async () => {
  database = await TestDatabase.create();
  await database.apply(RIVAL);
  await database.apply(intentOf(["acme", "globex"]));
  pair = new ApiPair(database);
});
afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await database?.drop();
});
beforeEach(async () => {
  await database.queryAlone("TRUNCATE sync_metadata.audit_log, sync_metadata.api_answers");
  await endJobs();
});

/** Nothing waits any more, so that the next trigger makes a job of its own. */
const endJobs = () =>
  database.queryAlone(
    "UPDATE sync_metadata.sync_jobs SET status = 'success', started_at = now(), finished_at = now() WHERE finished_at IS NULL",
  );

const TRIGGER = "/api/v1/sync/trigger/acme";
const count = async (table: string): Promise<number> =>
  Number((await database.queryAlone(`SELECT count(*) FROM sync_metadata.${table}`)).rows[0].count);
const records = async () => (await pair.ask(0, "GET", "/api/v1/audit", { scope: "admin" })).json.records;

describe("a request with a key", () => {
  test("sent again, to either node, is answered the same and does nothing", async () => {
    const first = await pair.ask(0, "POST", TRIGGER, { key: "k" });
    await endJobs();
    const jobs = await count("sync_jobs");
    const again = await pair.ask(1, "POST", TRIGGER, { key: "k" });
    expect(again).toEqual({ ...first, replayed: true });
    expect([await count("sync_jobs"), await count("audit_log")]).toEqual([jobs, 1]);
  });

  test("sent twenty times at once to both nodes is made once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, nth) => pair.ask((nth % 2) as 0 | 1, "POST", TRIGGER, { key: "k" })),
    );
    expect(new Set(answers.map(({ status, json }) => `${status} ${JSON.stringify(json)}`)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await count("audit_log")).toBe(1);
  });

  test("is refused with another address, another query or another body", async () => {
    const held = "0b8f7c1e-6a55-4b5c-9d3e-2f1a0c9b8d7e";
    await pair.ask(0, "POST", TRIGGER, { key: "k" });
    const other = await pair.ask(1, "POST", "/api/v1/sync/trigger/globex", { key: "k" });
    expect([other.status, other.json.type]).toEqual([422, "urn:owui:problem:key-reused"]);
    const accept = (body: object) => pair.ask(0, "POST", "/api/v1/sync/accept/acme", { key: "k", body });
    // Another route's key is another key; nothing was held, so nothing was done and the key is free.
    expect((await accept({ held })).status).toBe(409);
    expect((await accept({ held })).status).toBe(409);
  });

  test("is its caller's own", async () => {
    const ana = await pair.ask(0, "POST", TRIGGER, { key: "k" });
    await endJobs();
    const bo = await pair.ask(0, "POST", TRIGGER, { key: "k", subject: "bo" });
    expect(bo.replayed).toBe(false);
    expect(bo.json.job).not.toBe(ana.json.job);
  });

  test("that was refused can be sent again once it can be done", async () => {
    const nobody = "/api/v1/sync/trigger/nobody";
    expect((await pair.ask(0, "POST", nobody, { key: "k" })).status).toBe(404);
    expect(await count("api_answers")).toBe(0);
    expect((await pair.ask(0, "POST", TRIGGER, { key: "k" })).status).toBe(202);
  });

  test.each(["", "with space", "ä", "k".repeat(201)])("that is no key (%j) is refused", async (key) => {
    const { status, json } = await pair.ask(0, "POST", TRIGGER, { key });
    expect(status).toBe(400);
    expect(json.errors[0].parameter).toBe("Idempotency-Key");
  });
});

const writes = routes.filter(({ method, scope }) => method !== "GET" && scope !== "public");

describe("a write that was refused for its token", () => {
  const addressOf = (path: string) => path.replace("{tenant}", "acme").replace(/\{\w+\}/, "7");
  const insufficient = (scope: Scope) => SCOPES.slice(0, SCOPES.indexOf(scope));

  test.each(
    writes.flatMap(({ method, path, scope }) => [
      [method, path, "no token", { token: "" }, 401, "(no token)"] as const,
      [method, path, "a token of nobody", { token: "a.b.c" }, 401, "(no token)"] as const,
      ...insufficient(scope as Scope).map(
        (scope) => [method, path, `the scope ${scope}`, { scope, subject: "bo" }, 403, "bo"] as const,
      ),
    ]),
  )("is in the audit log: %s %s with %s", async (method, path, _, asking, status, subject) => {
    const url = addressOf(path);
    const { json } = await pair.ask(0, method as "POST", url, { address: "192.0.2.7", ...asking });
    expect(json.status).toBe(status);
    await pair.recordRefused();
    const problem = status === 401 ? "not-authenticated" : "not-allowed";
    const tenant = path.includes("{tenant}") ? "acme" : null;
    expect(await records()).toMatchObject([
      {
        ...{ subject, method, route: path, path: url, tenant, status, problem, node: "a" },
        ...{ address: "192.0.2.7", times: 1, request: json.instance.replace("urn:uuid:", "") },
      },
    ]);
  });

  test("again and again is one record that says how often, for each caller and address", async () => {
    for (const address of ["192.0.2.7", "192.0.2.8"])
      for (let nth = 0; nth < 50; nth += 1) await pair.ask(0, "POST", TRIGGER, { address, token: "" });
    await pair.ask(1, "POST", TRIGGER, { address: "192.0.2.7", scope: "read" });
    await pair.recordRefused();
    const found = (await records()).map(({ subject, address, times }: never) => [subject, address, times]);
    expect(found.sort()).toEqual([
      ["(no token)", "192.0.2.7", 50],
      ["(no token)", "192.0.2.8", 50],
      ["ana", "192.0.2.7", 1],
    ]);
  });

  test("from ever other addresses is seven records at most, in which every one is counted", async () => {
    for (let nth = 0; nth < 200; nth += 1) {
      const address = `192.0.2.${nth}`;
      await pair.ask(0, "POST", TRIGGER, nth % 2 ? { address, token: "" } : { address, scope: "read" });
    }
    await pair.recordRefused();
    const found = await records();
    expect(found).toHaveLength(7);
    expect(found.reduce((sum: number, { times }: { times: number }) => sum + times, 0)).toBe(200);
    await pair.recordRefused();
    expect(await count("audit_log")).toBe(7);
  });

  test("is recorded later when Postgres does not take it at once", async () => {
    await database.queryAlone("REVOKE INSERT (times) ON sync_metadata.audit_log FROM sync_service");
    await pair.ask(0, "POST", TRIGGER, { token: "" });
    await expect(pair.recordRefused()).rejects.toThrow();
    await pair.ask(0, "POST", TRIGGER, { token: "" });
    await expect(pair.recordRefused()).rejects.toThrow();
    await database.queryAlone("GRANT INSERT (times) ON sync_metadata.audit_log TO sync_service");
    await pair.recordRefused();
    expect(await records()).toMatchObject([{ times: 2 }]);
  });

  test("with a path of any length and a tenant of any name does no harm", async () => {
    const path = `/api/v1/sync/trigger/%27%3B--?${"x".repeat(3000)}`;
    await pair.ask(0, "POST", path, { token: "" });
    await pair.recordRefused();
    const [record] = await records();
    expect(record).toMatchObject({ status: 401, tenant: null });
    expect(record.path).toHaveLength(1000);
  });

  test("a read that was refused is in no log", async () => {
    await pair.ask(0, "GET", "/api/v1/audit", { token: "" });
    await pair.recordRefused();
    expect(await count("audit_log")).toBe(0);
  });
});

describe("a write that is not as declared", () => {
  test.each([
    ["/api/v1/sync/accept/acme", { body: { held: "no uuid" } }, "acme", "ana"],
    ["/api/v1/sync/accept/acme", { body: { held: "no uuid" }, subject: "bo" }, "acme", "bo"],
    [TRIGGER, { body: { unasked: true } }, "acme", "ana"],
    [`${TRIGGER}?unasked=1`, {}, "acme", "ana"],
    ["/api/v1/sync/trigger/%27", {}, null, "ana"],
    [TRIGGER, { key: "with space" }, "acme", "ana"],
  ])("is in the audit log: %s with %j", async (url, asking, tenant, subject) => {
    const { json } = await pair.ask(0, "POST", url, { address: "192.0.2.7", ...asking });
    expect(json.status).toBe(400);
    await pair.recordRefused();
    expect(await records()).toMatchObject([
      {
        ...{ subject, path: url, tenant, status: 400, problem: "invalid-request", address: "192.0.2.7" },
        ...{ times: 1, request: json.instance.replace("urn:uuid:", "") },
      },
    ]);
  });

  test("again and again is one record that says how often", async () => {
    for (let nth = 0; nth < 50; nth += 1) await pair.ask(0, "POST", TRIGGER, { body: { unasked: nth } });
    await pair.recordRefused();
    expect(await records()).toMatchObject([{ status: 400, subject: "ana", times: 50 }]);
  });

  test("a question that is not is in no log", async () => {
    expect((await pair.ask(0, "GET", "/api/v1/sync/status?limit=0")).status).toBe(400);
    await pair.recordRefused();
    expect(await count("audit_log")).toBe(0);
  });
});

describe("the audit log", () => {
  test("has who did what, when, where and with what outcome", async () => {
    const { json } = await pair.ask(1, "POST", TRIGGER, { subject: "bo" });
    expect(json.tenant).toBe("acme");
    expect(await records()).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        subject: "bo",
        token: expect.stringMatching(/^[0-9a-f-]{36}$/),
        method: "POST",
        route: "/api/v1/sync/trigger/{tenant}",
        path: TRIGGER,
        tenant: "acme",
        status: 202,
        problem: null,
        node: "b",
        request: expect.any(String),
        address: "127.0.0.1",
        times: 1,
      },
    ]);
  });

  test("has what was refused too, and the problem names the same occurrence", async () => {
    const { json } = await pair.ask(0, "POST", "/api/v1/sync/trigger/nobody");
    const [record] = await records();
    expect(record).toMatchObject({ status: 404, problem: "unknown-tenant", tenant: "nobody" });
    expect(json.instance).toBe(`urn:uuid:${record.request}`);
  });

  test("comes in pages, newest first", async () => {
    for (let nth = 0; nth < 5; nth += 1) await pair.ask(0, "POST", TRIGGER);
    const seen: string[] = [];
    let next: string | null = "";
    while (next !== null) {
      const after: string = next === "" ? "" : `&after=${next}`;
      const { json } = await pair.ask(0, "GET", `/api/v1/audit?limit=2${after}`, { scope: "admin" });
      seen.push(...json.records.map(({ id }: { id: string }) => id));
      next = json.next;
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(b) - Number(a)));
    expect(seen).toHaveLength(5);
  });

  test("is for admins alone", async () => {
    expect((await pair.ask(0, "GET", "/api/v1/audit", { scope: "operate" })).status).toBe(403);
  });

  test("without a record there is no write", async () => {
    await database.queryAlone("REVOKE INSERT (request) ON sync_metadata.audit_log FROM sync_service");
    try {
      const jobs = await count("sync_jobs");
      expect((await pair.ask(0, "POST", TRIGGER)).status).toBe(500);
      expect(await count("sync_jobs")).toBe(jobs);
    } finally {
      await database.queryAlone("GRANT INSERT (request) ON sync_metadata.audit_log TO sync_service");
    }
  });

  test.each([
    "UPDATE sync_metadata.audit_log SET subject = 'somebody else'",
    "DELETE FROM sync_metadata.audit_log",
    "TRUNCATE sync_metadata.audit_log",
    "INSERT INTO sync_metadata.audit_log (at, subject, token, method, route, path, status, node, request) VALUES (now() - interval '1 year', 'a', 'b', 'POST', '/', '/', 202, 'a', gen_random_uuid())",
    "UPDATE sync_metadata.api_answers SET answer = '{}'",
    "DELETE FROM sync_metadata.api_answers",
  ])("a node's login cannot change what is recorded: %s", async (statement) => {
    await pair.ask(0, "POST", TRIGGER, { key: "k" });
    const node = await database.connect("sync_main");
    await expect(node.query(statement)).rejects.toMatchObject({ code: "42501" });
  });

  test("is not another cluster's to see", async () => {
    await pair.ask(0, "POST", TRIGGER, { key: "k" });
    const other = await database.connect("sync_other");
    expect((await other.query("SELECT FROM sync_metadata.audit_log")).rowCount).toBe(0);
    expect((await other.query("SELECT FROM sync_metadata.api_answers")).rowCount).toBe(0);
  });

  test("is kept for a year and kept answers for a day; only who leads removes them", async () => {
    const run = "00000000-0000-4000-8000-000000000001";
    const node = await database.connect("sync_main");
    const prune = async (epoch: number) =>
      (await node.query("SELECT sync_metadata.prune_api_writes($1, $2) AS pruned", [run, epoch])).rows[0]
        .pruned;
    await database.queryAlone(
      "INSERT INTO sync_metadata.leader_election (cluster, holder, node, epoch, acquired_at, expires_at) VALUES ('main', $1, 'a', 7, now(), now() + interval '1 hour')",
      [run],
    );
    for (const key of ["old", "new"]) await pair.ask(0, "POST", TRIGGER, { key });
    await database.queryAlone(
      "UPDATE sync_metadata.audit_log SET at = at - interval '366 days' WHERE id = (SELECT min(id) FROM sync_metadata.audit_log)",
    );
    await database.queryAlone(
      "UPDATE sync_metadata.api_answers SET at = at - interval '25 hours' WHERE key = 'old'",
    );
    await pair.ask(0, "POST", TRIGGER, { token: "" });
    await pair.ask(0, "POST", TRIGGER, { scope: "read" });
    await pair.recordRefused();
    await database.queryAlone(
      "UPDATE sync_metadata.audit_log SET at = at - interval '31 days' WHERE status = 401 OR at > now() - interval '1 day' AND status < 400",
    );
    expect(await prune(6)).toBeNull();
    expect(await prune(7)).toBe("3");
    expect((await records()).map(({ status }: { status: number }) => status)).toEqual([403, 202]);
    expect(await count("api_answers")).toBe(1);
  });
});

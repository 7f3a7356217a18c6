import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_WRITE_BYTES } from "../../../sync-runtime/protocol/write.ts";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";
import { KnownSource, type Row } from "../../support/row-changes.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";
import { WriterProcess } from "../../support/writer-process.ts";

let writer: WriterProcess;
beforeAll(async () => {
  writer = await WriterProcess.start(["acme"]);
  createWebuiDatabase(writer.database("acme"), { schema: "v0.11.3-fresh", journal: "wal", chats: 2 });
});
afterAll(() => writer[Symbol.asyncDispose]());

const asClient = ({ certificate, key }: Credentials) => ({ cert: certificate, key });
const rows = (tenant = "acme") => ({ method: "POST", path: `/v1/tenants/${tenant}/rows` });

describe("the writer answers a node of its cluster", () => {
  it("that it is well, and what it counted", async () => {
    using known = new KnownSource(writer.database("acme"));
    const [{ id }] = known.database.prepare("SELECT id FROM chat").all() as [{ id: string }];
    const row = known.row("chat", id) as Row;
    const request = known.request(writer.identities.get("acme") as string, [
      known.change("chat", row, { ...row, title: "by an operator" }),
    ]);
    await writer.write("acme", request);
    await expect(writer.write("acme", { ...request, epoch: "0" })).rejects.toMatchObject({
      code: "stale-epoch",
    });
    expect(await writer.request({ path: "/health" })).toEqual({
      status: 200,
      body: '{"status":"ok","host":"local"}',
    });
    const { body } = await writer.request({ path: "/metrics" });
    expect(body).toContain('writer_rows_written_total{client="acme"} 1');
    expect(body).toContain('writer_refused_total{client="acme",code="stale-epoch"} 1');
    expect(body).toMatch(/certificate_expires_timestamp_seconds\{certificate="urn:owui:writer:local"\} \d/);
    expect(writer.log).toContainEqual(
      expect.objectContaining({ msg: "rows were written", tenant: "acme", written: 1 }),
    );
  });

  it.each<[string, string, string]>([
    ["a tenant that it is not to write", "POST", "/v1/tenants/other/rows"],
    ["a path that climbs out of the tenants' directory", "POST", "/v1/tenants/..%2Facme/rows"],
    ["the wrong method", "GET", "/v1/tenants/acme/rows"],
    ["an unknown path", "GET", "/v1/inventory"],
  ])("that asks for %s with a clear no", async (_, method, path) => {
    writer.tenant("other");
    const { status, body } = await writer.request({ method, path });
    expect(status).toBe(404);
    expect(JSON.parse(body)).toEqual({
      code: "not-found",
      message: expect.any(String),
      remedy: expect.any(String),
    });
  });

  it.each<[string, string, string]>([
    ["nothing", "", "expected object"],
    ["garbage", "\0\xff{", "expected object"],
    ["JSON that is no request", '{"rows":[]}', "epoch"],
    ["JSON that is nested a hundred thousand times", "[".repeat(100_000), "expected object"],
  ])("whose body is %s with everything that is wrong", async (_, body, problem) => {
    const answer = await writer.request(rows(), body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: "bad-request",
      message: expect.stringContaining(problem),
    });
  });

  it("whose body is longer than any request, and goes on serving", async () => {
    const answer = await writer.request(rows(), `{"epoch":"${"9".repeat(2 * MAX_WRITE_BYTES)}"}`);
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "request-too-large" });
    expect((await writer.request({ path: "/health" })).status).toBe(200);
  });
});

describe("the writer refuses", () => {
  const refused = (options: object) => expect(writer.request({ ...rows(), ...options }, "{}")).rejects;

  it("a client without a certificate", async () => {
    await refused({ cert: undefined, key: undefined }).toThrow();
  });

  it("a node's certificate of another authority, even of the same name", async () => {
    const stranger = await TestAuthority.create();
    await refused(asClient(await stranger.node("main", "a"))).toThrow();
  });

  it("a node's certificate that has expired", async () => {
    const expired = await writer.authority.node("main", "a", new Date(Date.now() - 60_000));
    await refused(asClient(expired)).toThrow();
  });

  it("an agent's and a writer's certificate, which are no clients'", async () => {
    await refused(asClient(await writer.authority.agent("local"))).toThrow();
    await refused(asClient(await writer.authority.writer("local"))).toThrow();
  });

  it.each<[string, string]>([
    ["a node of another cluster", "urn:owui:node:other:a"],
    ["a node that the cluster no longer has", "urn:owui:node:main:b"],
    ["a writer's URI", "urn:owui:writer:local"],
    ["what watches the cluster", "urn:owui:monitor:main"],
  ])("the certificate of %s", async (_, uri) => {
    const answer = await writer.request({ ...rows(), ...asClient(await writer.authority.client(uri)) }, "{}");
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "certificate-refused" });
  });

  it("what watches the cluster everything but the metrics", async () => {
    const monitor = asClient(await writer.authority.client("urn:owui:monitor:main"));
    expect((await writer.request({ path: "/metrics", ...monitor })).status).toBe(200);
    expect((await writer.request({ path: "/health", ...monitor })).status).toBe(403);
  });
});

describe("a node", () => {
  it("sends nothing to whoever shows another certificate than the writer's of that host", async () => {
    using known = new KnownSource(writer.database("acme"));
    const [{ id }] = known.database.prepare("SELECT id FROM chat").all() as [{ id: string }];
    const request = known.request(writer.identities.get("acme") as string, [
      known.change("chat", known.row("chat", id), undefined),
    ]);
    await expect(writer.write("acme", request, undefined, "urn:owui:writer:elsewhere")).rejects.toMatchObject(
      {
        code: "writer-unreachable",
        message: expect.stringContaining("not that of urn:owui:writer:elsewhere"),
      },
    );
    expect(known.row("chat", id)).toBeDefined();
  });
});

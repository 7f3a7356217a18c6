import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect as plainConnect } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Certificates } from "../../../sync-runtime/certificates.ts";
import { HostServer } from "../../../sync-runtime/host/server.ts";
import { AgentProcess } from "../../support/agent-process.ts";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";

let agent: AgentProcess;
beforeAll(async () => {
  agent = await AgentProcess.start();
});
afterAll(() => agent[Symbol.asyncDispose]());

/** An agent whose config says something besides. */
async function startedWith(also: object): Promise<AgentProcess> {
  const started = await AgentProcess.start();
  await started.stop();
  const config = JSON.parse(readFileSync(started.path("agent.json"), "utf8"));
  writeFileSync(started.path("agent.json"), JSON.stringify({ ...config, ...also }));
  await started.run();
  return started;
}

const asClient = ({ certificate, key }: Credentials) => ({ cert: certificate, key });

describe("the agent answers a node of its cluster", () => {
  it("over TLS 1.3, by the certificate alone", async () => {
    const answer = await agent.get("/health");
    expect(answer).toEqual({ status: 200, body: '{"status":"ok","host":"local"}' });
  });

  it.each<[string, string, string, number]>([
    ["an unknown path", "GET", "/v1/secrets", 404],
    ["a tenant it does not have", "POST", "/v1/tenants/nobody/changes", 404],
    ["a path that climbs out of the tenants' directory", "POST", "/v1/tenants/..%2F..%2Fetc/changes", 404],
    ["a tenant's name that is a path", "POST", "/v1/tenants/../changes", 404],
    ["the wrong method", "DELETE", "/v1/inventory", 404],
  ])("that asks for %s with a clear no", async (_, method, path, status) => {
    const answer = await agent.get(path, { method });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      code: "not-found",
      message: expect.any(String),
      remedy: expect.any(String),
    });
  });

  it.each([
    ["nothing", ""],
    ["no sync", "{}"],
    ["a sync that is no id", '{"committed":"7"}'],
    ["more than a request takes", `{"committed":null,"padding":"${"x".repeat(5000)}"}`],
  ])("whose body is %s with a clear no", async (_, body) => {
    agent.tenant("asked");
    const response = await agent.request({ method: "POST", path: "/v1/tenants/asked/changes" }, body);
    expect(response.statusCode).toBe(400);
    response.destroy();
  });
});

describe("the agent refuses", () => {
  const refused = (options: object) => expect(agent.get("/health", options)).rejects.toThrow();

  it("a client without a certificate", async () => {
    await refused({ cert: undefined, key: undefined });
  });

  it("a node's certificate of another authority, even of the same name", async () => {
    const stranger = await TestAuthority.create();
    await refused(asClient(await stranger.node("main", "a")));
  });

  it("a node's certificate that has expired", async () => {
    await refused(asClient(await agent.authority.node("main", "a", new Date(Date.now() - 60_000))));
  });

  it("a node's certificate that is not yet valid", async () => {
    const [soon, later] = [new Date(Date.now() + 3_600_000), new Date(Date.now() + 7_200_000)];
    await refused(asClient(await agent.authority.node("main", "a", later, soon)));
  });

  it("a node that the cluster no longer has, whose certificate is right in all else", async () => {
    await using having = await startedWith({ nodes: ["a"] });
    const removed = await having.authority.node("main", "b");
    expect((await having.get("/health")).status).toBe(200);
    const answer = await having.get("/health", asClient(removed));
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "certificate-refused" });
  });

  it("an agent's certificate, which is no client's", async () => {
    await refused(asClient(await agent.authority.agent("local")));
  });

  it.each([
    ["no URI", undefined],
    ["an agent's URI", "urn:owui:agent:local"],
    ["a node of another cluster", "urn:owui:node:other:a"],
    ["a URI that only begins like a node's", "urn:owui:node:main"],
  ])("a client's certificate of the right authority with %s", async (_, uri) => {
    const answer = await agent.get("/health", asClient(await agent.authority.client(uri)));
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "certificate-refused" });
  });

  it("TLS before 1.3", async () => {
    await refused({ maxVersion: "TLSv1.2" });
  });
});

describe("an address", () => {
  it.each<[string, string, string[], string]>([
    ["IPv4, over IPv4", "127.0.0.1", ["127.0.0.2/32", "10.0.0.0/8"], "127.0.0.2"],
    ["IPv4, as a socket of both families sees it", "::", ["127.0.0.2/32"], "127.0.0.2"],
    ["IPv6", "::", ["::1/128"], "::1"],
  ])("is let in by the list (%s), and no other, certificate or not", async (_, listen, callers, allowed) => {
    await using choosy = await startedWith({ callers, listen: { address: listen, port: 0 } });
    const from = (localAddress: string) =>
      choosy.get("/health", { host: localAddress === "::1" ? "::1" : "127.0.0.1", localAddress });
    await expect(from("127.0.0.3")).rejects.toThrow();
    await expect(from("127.0.0.3")).rejects.toThrow();
    expect((await from(allowed)).status).toBe(200);
    const { body } = await choosy.get("/metrics", {
      host: allowed === "::1" ? "::1" : "127.0.0.1",
      localAddress: allowed,
    });
    expect(body).toContain('agent_refused_total{reason="address"} 2\n');
    // Once, however often it comes.
    const named = choosy.log.filter(({ msg }) => msg === "address was refused");
    expect(named).toMatchObject([{ from: expect.stringMatching(/127\.0\.0\.3$/) }]);
  });

  it("that is not on the list hears nothing, not even a certificate", async () => {
    await using choosy = await startedWith({ callers: [] });
    const socket = plainConnect({ port: choosy.port, host: "127.0.0.1" });
    const speaking = connect({ socket, ca: choosy.authority.certificate, servername: "localhost" });
    await new Promise((resolve) => speaking.on("error", () => {}).once("close", resolve));
    expect(socket.bytesRead).toBe(0);
  });

  it("of a neighbour is let in: of a network that the agent's machine is on", async () => {
    await using choosy = await startedWith({ callers: "neighbours" });
    expect((await choosy.get("/health")).status).toBe(200);
  });

  it("is counted too when its certificate is refused", async () => {
    await using counting = await startedWith({});
    await counting.get("/health", asClient(await counting.authority.client()));
    await expect(counting.get("/health", { cert: undefined, key: undefined })).rejects.toThrow();
    const { body } = await counting.get("/metrics");
    expect(body).toContain('agent_refused_total{reason="certificate"} 1\n');
    expect(body).toContain('agent_refused_total{reason="handshake"} 1\n');
  });
});

describe("what watches the cluster", () => {
  const asMonitor = async (uri = "urn:owui:monitor:main") => asClient(await agent.authority.client(uri));

  it("gets the metrics by its certificate", async () => {
    const { status, body } = await agent.get("/metrics", await asMonitor());
    expect(status).toBe(200);
    expect(body).toContain("host_disk_free_bytes");
  });

  it.each([
    ["GET", "/health"],
    ["GET", "/v1/inventory"],
    ["POST", "/v1/tenants/acme/changes"],
    ["POST", "/metrics"],
    ["GET", "/metrics?all"],
  ])("gets nothing else: %s %s", async (method, path) => {
    const { status, body } = await agent.get(path, { method, ...(await asMonitor()) });
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ code: "certificate-refused" });
  });

  it.each(["urn:owui:monitor:other", "urn:owui:monitor:main:a", "urn:owui:monitor:"])(
    "of another name gets nothing at all: %s",
    async (uri) => {
      expect(await agent.get("/metrics", await asMonitor(uri))).toMatchObject({ status: 403 });
    },
  );
});

describe("the agent's certificates", () => {
  it("are taken anew when their files change, and kept when the new ones do not fit", async () => {
    const tls = ["tls.crt", "tls.key", "ca.crt"].map((name) => agent.path("tls", name)) as [
      string,
      string,
      string,
    ];
    const events: unknown[][] = [];
    const note = (...event: unknown[]) => events.push(event);
    const config = {
      host: "local",
      cluster: "main",
      callers: ["127.0.0.0/8"],
      listen: { address: "127.0.0.1", port: 0 },
      tls: { certificate: tls[0], key: tls[1], ca: tls[2] },
    };
    const stop = new AbortController();
    const log = { info: note, warn: note, error: note } as never;
    const certificates = new Certificates(config.tls, log, 20);
    const running = new HostServer(config, certificates, async () => {}, log).run(stop.signal);
    const until = (text: string) =>
      expect.poll(() => events.flat(), { timeout: 10_000 }).toContainEqual(text);
    await until("server listened");
    const [{ port }] = events[0] as [{ port: number }];
    const first = await fingerprintOn(port);

    writeFileSync(tls[0], "half a certificate");
    await until("certificates could not be renewed; the old ones stay in use");
    expect(await fingerprintOn(port)).toBe(first);

    agent.install(await agent.authority.agent("local"));
    await until("certificates were renewed");
    expect(await fingerprintOn(port)).not.toBe(first);
    stop.abort();
    await running;
  });

  /** Of the certificate that the server shows. */
  async function fingerprintOn(port: number): Promise<string> {
    const options = {
      port,
      ca: agent.authority.certificate,
      servername: "localhost",
      ...asClient(agent.node),
    };
    const socket: TLSSocket = connect(options);
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }
});

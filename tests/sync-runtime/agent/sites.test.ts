import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Metrics } from "../../../sync-runtime/agent/metrics.ts";
import { hostFront, SiteWatch } from "../../../sync-runtime/agent/sites.ts";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";

/** A server that shows a certificate for some names, asks for one itself as a proxied site does, and knows no others. */
describe("an agent that looks at its host's sites", () => {
  const folder = mkdtempSync(join(tmpdir(), "sites-"));
  const file = join(folder, "sites.json");
  const ca = join(folder, "ca.crt");
  const shown = new Map<string, Credentials>();
  const metrics = new Metrics("/", async () => 0, []);
  const said: object[] = [];
  const server = createTlsServer({
    requestCert: true,
    rejectUnauthorized: false,
    SNICallback: (name, found) => {
      const known = shown.get(name);
      if (known) found(null, createSecureContext({ cert: known.certificate, key: known.key }));
      else found(new Error("unknown name"));
    },
  }).on("tlsClientError", () => {});
  let own: TestAuthority;
  let port: number;
  let watch: SiteWatch;

  beforeAll(async () => {
    own = await TestAuthority.create("CN=the fleet");
    writeFileSync(ca, own.certificate);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
    const front = async () => ({ address: "127.0.0.1", port });
    const log = { warn: (event: object) => void said.push(event) };
    watch = new SiteWatch({ file, ca, front, roundMs: 5 }, metrics, log as never);
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const want = (...sites: [tenant: string, certifier: string][]) =>
    writeFileSync(
      file,
      JSON.stringify(
        sites.map(([tenant, certifier]) => ({ tenant, domain: `${tenant}.example`, certifier })),
      ),
    );

  /** What a gauge says, by tenant. */
  const told = async (gauge: "siteEnds" | "siteShows" | "siteCertified") =>
    Object.fromEntries(
      (await metrics[gauge].get()).values.map(({ labels, value }) => [labels.client, value]),
    );

  it("tells nothing where its host has none", async () => {
    await watch.look();
    expect(await told("siteShows")).toEqual({});
  });

  it("tells when each certificate ends, whether it is of who is to certify it, and who shows none", async () => {
    const others = await TestAuthority.create("CN=the fleet");
    shown.set("acme.example", await others.site("acme.example"));
    shown.set("globex.example", await own.site("globex.example"));
    shown.set("initech.example", await own.site("initech.example"));
    want(["acme", "acme"], ["globex", "self-signed"], ["initech", "acme"], ["hooli", "origin-ca"]);
    await watch.look();
    expect(await told("siteShows")).toEqual({ acme: 1, globex: 1, initech: 1, hooli: 0 });
    expect(await told("siteCertified")).toEqual({ acme: 1, globex: 1, initech: 0 });
    const ends = await told("siteEnds");
    expect(Object.keys(ends)).toEqual(["acme", "globex", "initech"]);
    expect(ends.acme).toBeGreaterThan(Date.now() / 1000);
  });

  it("forgets who is gone, and notices who is new, without a start", async () => {
    const stop = new AbortController();
    const running = watch.run(stop.signal);
    want(["globex", "self-signed"]);
    await expect.poll(() => told("siteShows")).toEqual({ globex: 1 });
    stop.abort();
    await running;
  });

  it("says once that it cannot look, and goes on", async () => {
    const stop = new AbortController();
    writeFileSync(file, "{");
    const running = watch.run(stop.signal);
    await expect.poll(() => said.length).toBe(1);
    want(["acme", "acme"]);
    await expect.poll(() => told("siteShows")).toEqual({ acme: 1 });
    stop.abort();
    await running;
    expect(said).toHaveLength(1);
  });

  it("takes a door that says nothing for a site that shows nothing", async () => {
    const silent = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const at = { address: "127.0.0.1", port: (silent.address() as { port: number }).port };
    want(["acme", "acme"]);
    await new SiteWatch({ file, ca, front: async () => at }, metrics, { warn: () => {} } as never).look();
    expect(await told("siteShows")).toEqual({ acme: 0 });
    silent.close();
  });

  it("finds the host by the container's route to the world", async () => {
    const routes = join(folder, "route");
    const lines = [
      "Iface\tDestination\tGateway\tFlags",
      "eth0\t00000000\t010011AC\t0003",
      "eth0\t000011AC\t00000000\t0001",
    ];
    writeFileSync(routes, lines.join("\n"));
    expect(await hostFront(routes)).toEqual({ address: "172.17.0.1", port: 443 });
    writeFileSync(routes, lines[0] ?? "");
    await expect(hostFront(routes)).rejects.toThrow("the container has no route to its host");
  });
});

import { createHash, randomBytes } from "node:crypto";
import { chmodSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { type RequestOptions, request } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nginxConfig } from "../../../components/host/nginx.ts";
import {
  certificateFile,
  proxyFiles,
  type Site,
  siteConfig,
  siteFile,
} from "../../../components/host/site.ts";
import { type Credentials, TestAuthority } from "../../support/certificates.ts";
import { StubApplication } from "../../support/edge/application.ts";
import { RunningFront } from "../../support/edge/front.ts";
import { gixy, wanted } from "../../support/edge/gixy.ts";
import { until } from "../../support/fleet/until.ts";

const domain = "acme.example";
const formerDomains = ["old.example"];
const tls = { certificate: "tls/acme.pem", hsts: true };
const proxied = { ...tls, proxyAuthorities: "tls/acme.proxy.pem" };
const networks = ["127.0.0.1/32", "2606:4700::/32"];
const writeProxy = (front: RunningFront) => {
  for (const [file, text] of Object.entries(proxyFiles(networks))) front.write(file, text);
  front.write("tls/acme.proxy.pem", authority.certificate);
};
const site = (changed: Partial<Site> = {}): Site => ({
  ...{ tenant: "acme", domain, port: 18_001, formerDomains: [] },
  ...changed,
});

let authority: TestAuthority;
const pem = async (...names: string[]) => {
  const { certificate, key } = await authority.site(...names);
  return certificateFile(certificate, key);
};
beforeAll(async () => {
  authority = await TestAuthority.create();
});

/** Every configuration that the fleet can generate, by what is special about it. */
const cases: Record<string, { https: boolean; sites: Site[] }> = {
  "no tenant": { https: false, sites: [] },
  "no tenant, TLS": { https: true, sites: [] },
  "plain HTTP": { https: false, sites: [site()] },
  "plain HTTP with a former name": { https: false, sites: [site({ formerDomains })] },
  TLS: { https: true, sites: [site({ tls })] },
  "TLS by an authority that asks": {
    https: true,
    sites: [site({ tls: { ...tls, challenges: true }, formerDomains })],
  },
  "TLS without HSTS": { https: true, sites: [site({ tls: { ...tls, hsts: false } })] },
  "a proxy's sites": { https: true, sites: [site({ tls: proxied, formerDomains })] },
  "a proxy's sites beside others": {
    https: true,
    sites: [site({ tls: proxied }), site({ tenant: "globex", domain: "globex.example", port: 18_002, tls })],
  },
  "TLS with former names": { https: true, sites: [site({ tls, formerDomains: ["a.example", "b.example"] })] },
  "a hundred tenants with the longest names": {
    https: true,
    sites: Array.from({ length: 100 }, (_, index) =>
      site({
        tenant: `${"t".repeat(36)}-${index}`,
        domain: `${`${"d".repeat(60)}.`.repeat(3)}x${index}.example`,
        tls,
      }),
    ),
  },
};

const written = async ({ https, sites }: (typeof cases)[string]): Promise<RunningFront> => {
  const front = await RunningFront.prepared();
  const listens = https ? front.front : { http: front.front.http };
  front.write("nginx.conf", nginxConfig(listens));
  front.write("tls/acme.pem", await pem(domain));
  if (https) writeProxy(front);
  for (const each of sites) front.write(siteFile(each.tenant), siteConfig(listens, each));
  return front;
};

describe("gixy has nothing to say that is not wanted so, of", async () => {
  const analyse = await gixy();

  it.skipIf(!analyse).each(Object.entries(cases))("%s", async (_, each) => {
    await using front = await written(each);
    const findings = (await analyse?.(join(front.directory, "nginx.conf"))) ?? [];
    const others = findings.filter(({ plugin }) => !(plugin in wanted));
    expect(others.map(({ plugin, summary }) => `${plugin}: ${summary}`)).toEqual([]);
  });
});

describe("nginx itself accepts", () => {
  it.each(Object.entries(cases))("%s", async (_, each) => {
    await using front = await written(each);
    const said = await front.tested();
    expect(said).toContain("test is successful");
    expect(said).not.toMatch(/warn|emerg/);
  });
});

describe("a site over TLS, by the real nginx", () => {
  let application: StubApplication;
  let front: RunningFront;
  beforeAll(async () => {
    application = await StubApplication.start();
    front = await RunningFront.prepared();
    front.write("tls/acme.pem", await pem(domain, ...formerDomains));
    const { port } = application;
    front.write(siteFile("acme"), siteConfig(front.front, site({ tls, port, formerDomains })));
    await front.start();
  });
  afterAll(async () => {
    await front[Symbol.asyncDispose]();
    await application[Symbol.asyncDispose]();
  });

  /** Asks over TLS as a browser that believes the stack's authority. */
  const ask = (options: RequestOptions = {}, body?: Buffer) =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
      const name = (options.headers as { Host?: string } | undefined)?.Host ?? domain;
      const asked = request(
        {
          ...{ host: "127.0.0.1", port: front.front.https.port, servername: name, ca: authority.certificate },
          ...{ agent: false, ...options, headers: { Host: name, ...options.headers } },
        },
        async (answer) =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }),
      );
      asked.once("error", reject);
      asked.end(body);
    });

  const askPlainly = (name: string, path: string) =>
    new Promise<{ status: number; location?: string }>((resolve, reject) => {
      const options = { host: "127.0.0.1", port: front.front.http.port, path, headers: { Host: name } };
      const asked = plainRequest({ ...options, agent: false }, (answer) => {
        answer.resume();
        const { location } = answer.headers;
        resolve({ status: answer.statusCode ?? 0, ...(location === undefined ? {} : { location }) });
      });
      asked.once("error", reject);
      asked.end();
    });

  const handshake = (options: object) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: front.front.https.port, ...options }, () =>
        resolve(socket),
      );
      socket.once("error", reject);
    });

  it("answers with security headers, HSTS among them, and tells the application it was TLS", async () => {
    const { status, headers, body } = await ask({ path: "/anything" });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "strict-transport-security": "max-age=31536000",
      "x-content-type-options": "nosniff",
      "x-frame-options": "SAMEORIGIN",
    });
    const host = `${domain}:${front.front.https.port}`;
    expect(JSON.parse(body)).toMatchObject({ host, "x-forwarded-proto": "https" });
  });

  it("tells the application the site's own name, whatever a request says", async () => {
    const socket = await handshake({ servername: domain, ca: authority.certificate });
    socket.write(`GET https://${domain}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toContain(`"host":"${domain}:${front.front.https.port}"`);
    expect(answer).not.toContain("evil.example");
  });

  it("is led to from plain HTTP, whole path and all", async () => {
    expect(await askPlainly(domain, "/c/1?x=%20y")).toEqual({
      ...{ status: 308, location: `https://${domain}:${front.front.https.port}/c/1?x=%20y` },
    });
  });

  it("is led to from the name it had, over TLS too", async () => {
    const { status, headers } = await ask({ path: "/c/1", headers: { Host: "old.example" } });
    expect([status, headers.location]).toEqual([307, `https://${domain}:${front.front.https.port}/c/1`]);
    expect((await askPlainly("old.example", "/")).status).toBe(308);
  });

  it.each([
    ["a name nobody has", { servername: "scan.example" }],
    ["no name at all", {}],
  ])("shows no certificate to a client that asks for %s", async (_, options) => {
    await expect(handshake(options)).rejects.toThrow(/unrecognized name|alert|ECONNRESET/);
  });

  it("closes a connection that asks for another name than it shook hands for", async () => {
    await expect(ask({ servername: domain, headers: { Host: "scan.example" } })).rejects.toThrow(
      "socket hang up",
    );
  });

  it("refuses TLS 1.1", async () => {
    const old = {
      servername: domain,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    };
    await expect(handshake(old)).rejects.toThrow(/protocol version|unsupported/i);
  });

  it.each(["TLSv1.2", "TLSv1.3"])("speaks %s, and resumes no session", async (version) => {
    const options = {
      servername: domain,
      ca: authority.certificate,
      minVersion: version,
      maxVersion: version,
    };
    const socket = await handshake(options);
    expect(socket.getProtocol()).toBe(version);
    // TLS 1.3 offers sessions only behind the handshake.
    const sessions = [socket.getSession()];
    socket.on("session", (offered) => sessions.push(offered));
    socket.write(`GET / HTTP/1.1\r\nHost: ${domain}\r\nConnection: close\r\n\r\n`);
    await text(socket);
    const again = await handshake({ ...options, session: sessions.at(-1) });
    expect(again.isSessionReused()).toBe(false);
    again.destroy();
  });

  it("hands words on one by one", async () => {
    const seen: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      const options = { host: "127.0.0.1", port: front.front.https.port, path: "/api/words" };
      request(
        { ...options, servername: domain, ca: authority.certificate, headers: { Host: domain } },
        (answer) => {
          answer.on("data", (chunk) => seen.push(String(chunk)));
          answer.once("end", resolve);
        },
      )
        .once("error", reject)
        .end();
    });
    for (const word of ["first", "second", "third"]) {
      await until(`"${word}" is there while the answer goes on`, () => seen.join().includes(word));
      application.say(word === "first" ? "second" : word === "second" ? "third" : "");
    }
    await ended;
  });

  it("lets a WebSocket through, whatever reloads happen meanwhile", async () => {
    const socket = await handshake({ servername: domain, ca: authority.certificate });
    const head = [
      "GET /ws/socket.io/ HTTP/1.1",
      `Host: ${domain}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
    ];
    const key = `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`;
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk;
    });
    socket.write(`${[...head, key, "Sec-WebSocket-Version: 13"].join("\r\n")}\r\n\r\n`);
    await until("the upgrade", () => received.includes("101 Switching Protocols"));
    await front.reload();
    socket.write("still there");
    await until("the echo", () => received.endsWith("still there"));
    socket.destroy();
  });

  it("takes an upload of 100 MB whole, and no larger one", async () => {
    const body = randomBytes(100 * 2 ** 20);
    const { status, body: answer } = await ask({ method: "POST", path: "/api/v1/files/" }, body);
    const sha256 = createHash("sha256").update(body).digest("hex");
    expect([status, JSON.parse(answer)]).toEqual([200, { bytes: body.length, sha256 }]);
    const larger = await ask({
      ...{ method: "POST", path: "/api/v1/files/" },
      headers: { "Content-Length": String(body.length + 1), Expect: "100-continue" },
    });
    expect(larger.status).toBe(413);
  });

  it("serves a certificate that was renewed, by itself", async () => {
    front.write("acme/certificates/acme.pem", await pem(domain, "first.example"));
    const acme = { certificate: "acme/certificates/acme.pem", hsts: true };
    front.write(siteFile("acme"), siteConfig(front.front, site({ tls: acme, port: application.port })));
    await front.reload();
    const names = async () => {
      const socket = await handshake({ servername: domain, ca: authority.certificate });
      const { subjectaltname } = socket.getPeerCertificate();
      socket.destroy();
      return subjectaltname;
    };
    await until("the first", async () => (await names())?.includes("first.example"));
    // What nginx refuses changes nothing.
    front.write("acme/certificates/acme.pem", "broken");
    await until("nginx was asked", async () => (await front.log()).includes("PEM_read_bio"));
    expect(await names()).toContain("first.example");
    front.write("acme/certificates/acme.pem", await pem(domain, "second.example"));
    await until("the second", async () => (await names())?.includes("second.example"));
  });

  it("goes on to look for renewed certificates where a reload failed", async () => {
    await using other = await RunningFront.prepared();
    // Its first reload meets what was written behind the test of it, which no file can be made to do on purpose.
    const unlucky = `#!/bin/sh
case " $* " in
  *" -t "*) exit 0 ;;
  *" -s reload "*) mkdir /tmp/failed && exit 1; echo reloaded; exit 0 ;;
esac
exec sleep 3600
`;
    other.write("bin/nginx", unlucky);
    chmodSync(join(other.directory, "bin/nginx"), 0o755);
    await other.run("--env", "PATH=/etc/fleet/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let renewed = 0;
    await until("a reload", async () => {
      other.write("acme/certificates/acme.pem", `another, ${renewed++}`);
      return (await other.log()).includes("reloaded");
    });
  });
});

describe("a proxied site, by the real nginx", () => {
  let application: StubApplication;
  let front: RunningFront;
  let proxy: Credentials;
  beforeAll(async () => {
    application = await StubApplication.start();
    front = await RunningFront.prepared();
    front.write("tls/acme.pem", await pem(domain));
    front.write("tls/open.pem", await pem("open.example"));
    writeProxy(front);
    proxy = await authority.client();
    const { port } = application;
    front.write(siteFile("acme"), siteConfig(front.front, site({ tls: proxied, port })));
    const open = {
      tenant: "open",
      domain: "open.example",
      tls: { ...tls, certificate: "tls/open.pem" },
      port,
    };
    front.write(siteFile("open"), siteConfig(front.front, site(open)));
    await front.start();
  });
  afterAll(async () => {
    await front[Symbol.asyncDispose]();
    await application[Symbol.asyncDispose]();
  });

  const visitor = {
    "CF-Connecting-IP": "203.0.113.9",
    "X-Forwarded-For": "192.0.2.66",
    "X-Real-IP": "192.0.2.67",
  };
  const ask = (options: RequestOptions) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asked = request(
        {
          ...{
            host: "127.0.0.1",
            port: front.front.https.port,
            servername: domain,
            ca: authority.certificate,
          },
          ...{ agent: false, ...options, headers: { Host: domain, ...visitor, ...options.headers } },
        },
        async (answer) => resolve({ status: answer.statusCode ?? 0, body: await text(answer) }),
      );
      asked.once("error", reject);
      asked.end();
    });
  const credentials = () => ({ cert: proxy.certificate, key: proxy.key });

  it("answers the proxy, and tells the application the visitor's address", async () => {
    const { status, body } = await ask(credentials());
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ "x-real-ip": "203.0.113.9", "x-forwarded-for": "203.0.113.9" });
  });

  it("answers nobody without the proxy's certificate", async () => {
    expect(await ask({})).toMatchObject({ status: 400, body: expect.stringContaining("No required SSL") });
  });

  it("answers nobody with a certificate of another authority", async () => {
    const impostor = await (await TestAuthority.create()).client();
    expect((await ask({ cert: impostor.certificate, key: impostor.key })).status).toBe(400);
  });

  it("answers nobody from another network, whatever certificate they have", async () => {
    await expect(ask({ ...credentials(), localAddress: "127.0.0.2" })).rejects.toThrow("socket hang up");
  });

  it("is not reached through the handshake of a site that asks for no certificate", async () => {
    expect((await ask({ servername: "open.example" })).status).toBe(421);
  });

  it("lends its proxy's word to no other site", async () => {
    const { body } = await ask({ servername: "open.example", headers: { Host: "open.example" } });
    expect(JSON.parse(body)).toMatchObject({ "x-real-ip": "127.0.0.1", "x-forwarded-for": "127.0.0.1" });
  });
});

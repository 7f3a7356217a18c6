import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateFile, type Site, siteConfig, siteFile } from "../../../components/host/site.ts";
import { acmeImage } from "../../../toolchain/images/catalog.ts";
import { TestAuthority } from "../../support/certificates.ts";
import { StubApplication } from "../../support/edge/application.ts";
import { RunningFront } from "../../support/edge/front.ts";
import { Pebble } from "../../support/edge/pebble.ts";
import { run } from "../../support/fleet/command.ts";
import { until } from "../../support/fleet/until.ts";
import { Workbench } from "./script.ts";

/** The real client, pebble and nginx on a directory that a host's data root could be. */
describe("certificates by an authority that speaks ACME", () => {
  const host = new Workbench();
  const client = `owui-test-acme-${randomBytes(4).toString("hex")}`;
  let front: RunningFront;
  let pebble: Pebble;
  let application: StubApplication;
  let authority: TestAuthority;

  beforeAll(async () => {
    application = await StubApplication.start();
    authority = await TestAuthority.create();
    front = await RunningFront.prepared(`${host.root}/nginx`);
    pebble = await Pebble.start(front.front.http.port, 90);
    const lines = [
      ...["acme 0755 0:0", "acme/config 0755 0:0", "acme/config/wanted 0755 0:0", "acme/state 0700 8053:0"],
      ...["nginx/acme 0755 0:0", "nginx/acme/challenge 0755 8053:0", "nginx/acme/certificates 0750 8053:0"],
    ].map((line) => {
      const [path, mode, owner] = line.split(" ");
      return `directory ${mode} ${owner} ${path} -\n`;
    });
    host.run([{ script: "layout", variables: { ROOT: host.root } }], lines.join(""));
    chmodSync(host.root, 0o755);
    host.write("acme/config/acme.sh", readFileSync("components/host/acme.sh", "utf8"));
    host.write("acme/config/root.pem", pebble.root);
    await front.start();
    await startClient(30);
  });
  afterAll(async () => {
    await run(["docker", "rm", "--force", client], { mayFail: true });
    await front[Symbol.asyncDispose]();
    await pebble[Symbol.asyncDispose]();
    await application[Symbol.asyncDispose]();
    host.remove();
  });

  /** The client's container as the fleet runs it, but on this machine's own network, where pebble is. */
  const startClient = async (renewDays: number, more: Record<string, string | number> = {}) => {
    await run(["docker", "rm", "--force", client], { mayFail: true });
    const settings = {
      ...{ DIRECTORY: pebble.directory, EMAIL: "operators@acme.example", RENEW_DAYS: renewDays },
      ...{ ROUND_SECONDS: 900, ...more },
    };
    await run([
      ...[
        "docker",
        "run",
        "--detach",
        "--name",
        client,
        "--network",
        "host",
        "--user",
        "8053:0",
        "--read-only",
      ],
      ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp:size=1m"],
      ...Object.entries(settings).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      ...[
        "--env",
        "LEGO_CA_CERTIFICATES=/etc/fleet/root.pem",
        "--volume",
        `${host.root}/acme/config:/etc/fleet:ro`,
      ],
      ...["--volume", `${host.root}/acme/state:/state`, "--volume", `${host.root}/nginx/acme:/nginx`],
      ...["--entrypoint", "sh", acmeImage, "/etc/fleet/acme.sh", "watch"],
    ]);
  };

  const want = async (tenant: string, ...domains: string[]) => {
    const { certificate, key } = await authority.site(...domains);
    const variables = { ROOT: host.root, TENANT: tenant, DOMAINS: domains.join(" ") };
    const done = host.run([{ script: "want-certificate", variables }], certificateFile(certificate, key));
    expect(done).toMatchObject({ status: 0, stderr: "" });
    const [domain = "", ...formerDomains] = domains;
    const tls = { certificate: `acme/certificates/${tenant}.pem`, hsts: true, challenges: true };
    const site: Site = { tenant, domain, formerDomains, port: application.port, tls };
    front.write(siteFile(tenant), siteConfig(front.front, site));
    await front.reload();
    await until("the site is served", () => shown(domain));
  };
  const request = (tenant: string) =>
    host.run([{ script: "request-certificate", variables: { TENANT: tenant, CONTAINER: client } }]);

  /** Who certified what nginx shows for a name, and for which names. */
  const shown = (servername: string) =>
    new Promise<{ issuer: string; names: string; serial: string }>((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port: front.front.https.port,
        servername,
        rejectUnauthorized: false,
      };
      const socket = connect(options, () => {
        const { issuer, subjectaltname, serialNumber } = socket.getPeerCertificate();
        socket.destroy();
        resolve({ issuer: String(issuer.CN), names: subjectaltname ?? "", serial: serialNumber });
      });
      socket.once("error", reject);
    });

  const redirects = async (name: string) => {
    const challenge = `http://${name}:${front.front.http.port}/.well-known/acme-challenge/x`;
    const argv = [
      "curl",
      "-s",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "--resolve",
      "*:*:127.0.0.1",
      challenge,
    ];
    return (await run(argv.with(-2, `${name}:${front.front.http.port}:127.0.0.1`))).stdout === "308";
  };

  it("are asked for while the site shows one of the fleet's own, and shown without a reload of anybody's", async () => {
    await want("acme", "chat.acme.example", "old.acme.example");
    expect((await shown("chat.acme.example")).issuer).toBe("test authority");
    expect(request("acme")).toMatchObject({ status: 0, stderr: "" });
    await until("pebble's certificate", async () =>
      (await shown("chat.acme.example")).issuer.startsWith("Pebble"),
    );
    expect((await shown("old.acme.example")).names).toBe("DNS:chat.acme.example, DNS:old.acme.example");
    const socket = connect({
      ...{ host: "127.0.0.1", port: front.front.https.port, servername: "chat.acme.example" },
      ca: await pebble.issuer(),
    });
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    socket.destroy();
  });

  it("keep their keys from everybody but nginx' master and the client", () => {
    const file = statSync(`${host.root}/nginx/acme/certificates/acme.pem`);
    expect([file.mode & 0o777, file.uid, file.gid]).toEqual([0o640, 8053, 0]);
    const directory = statSync(`${host.root}/nginx/acme/certificates`);
    expect(directory.mode & 0o007).toBe(0);
  });

  it("stay as they are while they are not due", async () => {
    const { serial } = await shown("chat.acme.example");
    expect(request("acme")).toMatchObject({ status: 0, stderr: "" });
    expect((await shown("chat.acme.example")).serial).toBe(serial);
  });

  it("are renewed when they are due, and nginx shows the new one by itself", async () => {
    const { serial } = await shown("chat.acme.example");
    await startClient(100);
    expect(request("acme")).toMatchObject({ status: 0, stderr: "" });
    await until("another certificate", async () => (await shown("chat.acme.example")).serial !== serial);
  });

  it("are renewed when they are due without anybody asking", async () => {
    await startClient(30);
    const { serial } = await shown("chat.acme.example");
    await startClient(100, { ROUND_SECONDS: 1 });
    await until("another certificate", async () => (await shown("chat.acme.example")).serial !== serial);
  });

  it("are asked for anew of another authority, or under another account", async () => {
    const { serial } = await shown("chat.acme.example");
    await startClient(30, { EMAIL: "others@acme.example" });
    expect(request("acme")).toMatchObject({ status: 0, stderr: "" });
    await until("another certificate", async () => (await shown("chat.acme.example")).serial !== serial);
  });

  it("are renewed by an authority that forgot the account", async () => {
    await startClient(100, { EMAIL: "others@acme.example" });
    const { serial } = await shown("chat.acme.example");
    await pebble.forget();
    expect(request("acme")).toMatchObject({ status: 0, stderr: "" });
    await until("another certificate", async () => (await shown("chat.acme.example")).serial !== serial);
  });

  it("follow a change of names", async () => {
    await startClient(30);
    await want("acme", "new.acme.example", "chat.acme.example");
    expect(request("acme")).toMatchObject({ status: 0, stderr: "" });
    await until("the new name", async () =>
      (await shown("new.acme.example")).names.includes("new.acme.example"),
    );
  });

  it("that are refused leave the site with what it had, and say why", async () => {
    await want("globex", "nowhere.globex.example");
    // The authority comes for an answer, and the site's redirect is all it finds.
    const site = siteConfig(front.front, {
      ...{ tenant: "globex", domain: "nowhere.globex.example", formerDomains: [], port: application.port },
      tls: { certificate: "acme/certificates/globex.pem", hsts: true },
    });
    front.write(siteFile("globex"), site);
    await front.reload();
    await until("the redirect", () => redirects("nowhere.globex.example"));
    const { status, stderr } = request("globex");
    expect(status).toBe(0);
    expect(stderr).toContain(
      "The site of tenant globex is not certified yet; browsers warn of it until it is.",
    );
    expect(stderr).toContain("acme: no new certificate for tenant globex; what nginx shows stays.");
    expect((await shown("nowhere.globex.example")).issuer).toBe("test authority");
  });

  it("are forgotten with their tenant", () => {
    host.run([{ script: "forget-certificate", variables: { ROOT: host.root, TENANT: "globex" } }]);
    expect(existsSync(`${host.root}/acme/config/wanted/globex`)).toBe(false);
    expect(existsSync(`${host.root}/nginx/acme/certificates/globex.pem`)).toBe(false);
    expect(existsSync(`${host.root}/acme/config/wanted/acme`)).toBe(true);
  });
});

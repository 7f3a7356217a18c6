import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cloudflare } from "../../../toolchain/fakes/cloudflare/cloudflare.ts";
import { startNames } from "../../../toolchain/fakes/cloudflare/names/names.ts";
import { docker } from "../../../toolchain/fakes/digitalocean/docker/engine.ts";
import { type LetsEncrypt, startLetsEncrypt } from "../../../toolchain/fakes/lets-encrypt/lets-encrypt.ts";
import { acmeImage, fakeAuthorityImage } from "../../../toolchain/images/catalog.ts";
import { ensureImages } from "../../../toolchain/setup/images.ts";
import { vacate } from "../../support/vacate.ts";
import { clientOf, token } from "./client.ts";

/** The authority, the name server that it asks, and a client at an address that a droplet could have. */
describe("the fake Let's Encrypt", () => {
  const name = `owui-test-lets-encrypt-${process.pid}`;
  const subnet = "198.18.240.0/24";
  const at = (place: number) => ({ name, address: `198.18.240.${place}` });
  let home: string;
  let authority: LetsEncrypt;
  let names: { remove(): Promise<void> };

  const start = () =>
    startLetsEncrypt({ home, name: `${name}-authority`, network: at(6), names: at(5).address });

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "lets-encrypt-"));
    await ensureImages([acmeImage, fakeAuthorityImage], () => {});
    await vacate(subnet);
    await docker(["network", "create", "--subnet", subnet, name]);
    const stateFile = join(home, "cloudflare.json");
    names = await startNames({ name: `${name}-names`, network: at(5), stateFile, edge: "198.18.240.9" });
    authority = await start();
    const { fake, cloud } = cloudflare({ token }, { zones: ["fleet.example"], stateFile });
    const api = clientOf(`${await fake.listen()}/client/v4`);
    for (const [label, content] of [
      ["acme", at(8).address],
      ["globex", at(7).address],
    ])
      await api("POST", `/zones/${cloud.account.zones[0]?.id}/dns_records`, {
        ...{ name: label, type: "A", content, ttl: 300 },
      });
    await fake.close();
  });
  afterAll(async () => {
    for (const part of [authority, names]) await part?.remove();
    await docker(["network", "rm", name]);
    await rm(home, { recursive: true });
  });

  /** Asks for a certificate from the eighth address, where the client itself answers on port 80. */
  const ask = async (domain: string) => {
    await writeFile(join(home, "root.pem"), authority.root);
    await docker([
      ...["run", "--rm", "--network", name, "--ip", at(8).address, "--volume", `${home}:/state`],
      ...["--env", "LEGO_CA_CERTIFICATES=/state/root.pem", acmeImage, "--accept-tos", "--path", "/state"],
      ...[
        "--server",
        authority.directory,
        "--email",
        "a@fleet.example",
        "--http",
        "--domains",
        domain,
        "run",
      ],
    ]);
    const [own, ...chain] = (await readFile(join(home, `certificates/${domain}.crt`), "utf8"))
      .split(/(?=-----BEGIN)/)
      .map((pem) => new X509Certificate(pem));
    return { own, chain };
  };

  test("certifies who answers under a name, for as long as the real one does", async () => {
    const { own, chain } = await ask("acme.fleet.example");
    expect(own?.checkHost("acme.fleet.example")).toBe("acme.fleet.example");
    const issuer = new X509Certificate(authority.issuer);
    expect(chain[0] && own?.checkIssued(chain[0])).toBe(true);
    expect(chain[0]?.verify(issuer.publicKey)).toBe(true);
    const days = ((own?.validToDate.getTime() ?? 0) - (own?.validFromDate.getTime() ?? 0)) / 86_400_000;
    expect(days).toBeCloseTo(90, 1);
  });

  test("does not certify whose name leads elsewhere, or nowhere", async () => {
    await expect(ask("globex.fleet.example")).rejects.toThrow("198.18.240.7");
    await expect(ask("nobody.fleet.example")).rejects.toThrow("nobody.fleet.example");
  });

  test("is the same one for whoever drives it next, by the same certificate", async () => {
    expect(await start()).toMatchObject({ root: authority.root, issuer: authority.issuer });
  });
});

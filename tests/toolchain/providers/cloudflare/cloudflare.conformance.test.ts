import cloudflare from "@pulumi/cloudflare";
import pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloudflare as fakeOf } from "../../../../toolchain/fakes/cloudflare/cloudflare.ts";
import { clientOf, token } from "../../fakes/client.ts";
import { client as clientCertificate, request } from "../../fakes/cloudflare/certificates.ts";
import { kind } from "../conformance/plugins.ts";
import { isSecret } from "../conformance/stack.ts";
import { conformance } from "../conformance/suite.ts";

/** What a test changes about the zone. */
interface Given {
  name?: string;
  content?: string;
  proxied?: boolean;
  comment?: string;
  type?: string;
  ssl?: string;
  pulls?: boolean;
  hostnames?: string[];
  endpoint?: string;
  token?: string;
}

conformance("cloudflare", (stack) => {
  const { fake, cloud, faults } = fakeOf({ token }, { zones: ["fleet.example"] });
  const [zone] = cloud.account.zones;
  let address: string;
  let api: ReturnType<typeof clientOf>;
  let csr: string;
  let edge: { certificate: string; private_key: string };
  beforeAll(async () => {
    address = `${await fake.listen()}/client/v4`;
    api = clientOf(address);
    csr = await request();
    edge = await clientCertificate();
  });
  afterAll(() => fake.close());

  const site = async (given: Given = {}) => {
    const provider = new cloudflare.Provider("fake", {
      apiToken: pulumi.secret(given.token ?? token),
      baseUrl: given.endpoint ?? address,
    });
    const options = { provider };
    const found = await cloudflare.getZone({ filter: { name: "fleet.example" } }, options);
    const ranges = await cloudflare.getIpRanges({}, options);
    const record = new cloudflare.DnsRecord(
      "record",
      {
        zoneId: found.zoneId,
        name: given.name ?? "acme.fleet.example",
        type: given.type ?? "A",
        content: given.content ?? "198.18.0.16",
        ttl: 1,
        ...(given.proxied === undefined ? {} : { proxied: given.proxied }),
        ...(given.comment === undefined ? {} : { comment: given.comment }),
      },
      options,
    );
    const certificate = new cloudflare.OriginCaCertificate(
      "certificate",
      { csr, hostnames: given.hostnames ?? ["acme.fleet.example"], requestType: "origin-ecc" },
      options,
    );
    new cloudflare.ZoneSetting(
      "ssl",
      { zoneId: found.zoneId, settingId: "ssl", value: given.ssl ?? "strict" },
      options,
    );
    const shown = new cloudflare.AuthenticatedOriginPullsHostnameCertificate(
      "shown",
      { zoneId: found.zoneId, certificate: edge.certificate, privateKey: edge.private_key },
      options,
    );
    new cloudflare.AuthenticatedOriginPulls(
      "pulls",
      {
        zoneId: found.zoneId,
        configs: [{ hostname: "acme.fleet.example", certId: shown.id, enabled: given.pulls ?? true }],
      },
      options,
    );
    return { record: record.id, certificate: certificate.certificate, ranges: ranges.ipv4Cidrs };
  };

  test("everything is made; ids are what the API knows things by; functions read the account", async () => {
    const { outputs } = await stack().up(() => site());
    expect(outputs).toMatchObject({
      record: zone?.records[0]?.id,
      certificate: cloud.account.certificates[0]?.certificate,
      ranges: ["198.18.127.0/24"],
    });
    const { ssl, pulls, shown } = await stack().state();
    expect([ssl?.id, pulls?.id, shown?.id]).toEqual([
      "ssl",
      "acme.fleet.example",
      zone?.hostnameCertificates[0]?.id,
    ]);
    expect(zone?.settings.ssl?.value).toBe("strict");
  });

  test("token and private key are secret in the state; a certificate lasts fifteen years unless it is told otherwise", async () => {
    const { shown, certificate, record, fake: provider } = await stack().state();
    expect(
      [shown?.inputs.privateKey, shown?.outputs.privateKey, provider?.inputs.apiToken].every(isSecret),
    ).toBe(true);
    expect(certificate?.outputs).toMatchObject({ requestedValidity: 5475 });
    expect(record?.outputs).toMatchObject({ proxied: false, proxiable: true, ttl: 1 });
  });

  test("a refresh and a second preview change nothing", async () => {
    expect(await stack().refresh()).toEqual({});
    expect(await stack().preview(() => site())).toEqual({});
  });

  test("another type replaces a record, other hostnames a certificate: new before old", async () => {
    const given: Given = { type: "TXT", content: "text", hostnames: ["*.fleet.example"] };
    const changes = await stack().preview(() => site(given));
    expect(changes.record).toMatchObject({
      steps: ["create-replacement", "replace", "delete-replaced"],
      forced: ["type"],
    });
    expect(changes.certificate?.forced).toEqual(["hostnames"]);
  });

  test("name, content, proxy, comment, settings and pulls change in place, over 429 and 500", async () => {
    for (const answer of ["rate-limit", "server-error"] as const) {
      faults.add({ method: "PUT", path: "dns_records", answer });
    }
    const given = { name: "acme2.fleet.example", content: "198.18.0.17", proxied: true, comment: "owui" };
    const { changes } = await stack().up(() => site({ ...given, ssl: "full", pulls: false }));
    expect(changes).toEqual({
      record: { steps: ["update"], because: ["comment", "content", "name", "proxied"] },
      ssl: { steps: ["update"], because: ["value"] },
      pulls: { steps: ["update"], because: ["configs"] },
    });
    expect(zone?.records[0]).toMatchObject(given);
    expect(zone?.hostnamePulls[0]?.enabled).toBe(false);
    expect(faults.list()).toEqual([]);
  });

  test("a refresh sees what changed and what is gone outside; what a program leaves out is taken back", async () => {
    await api("DELETE", `/certificates/${cloud.account.certificates[0]?.id}`);
    await api("PATCH", `/zones/${zone?.id}/settings/ssl`, { value: "off" });
    expect(Object.keys(await stack().refresh()).sort()).toEqual(["certificate", "ssl"]);
    const { changes } = await stack().up(() => site());
    expect(changes).toMatchObject({
      certificate: { steps: ["create"] },
      ssl: { steps: ["update"], because: ["value"] },
      record: { steps: ["update"], because: ["comment", "content", "name", "proxied"] },
    });
    expect(zone?.records[0]).toMatchObject({ comment: null, proxied: false });
  });

  test("a token of another form, and in a stand-in an endpoint beyond this machine, are refused before they are used", async () => {
    expect(await stack().failure(() => site({ token: "too-short" }))).toMatch(/40 to 80 characters/);
    if (kind === "stand-ins") {
      const text = await stack().failure(() => site({ endpoint: "https://api.cloudflare.com/client/v4" }));
      expect(text).toMatch(/speaks only to fakes on this machine.*Nothing was sent/s);
    }
  });

  test("destroyed, nothing is left but the zone and its settings", async () => {
    await stack().destroy();
    expect([zone?.records, zone?.hostnamePulls, zone?.hostnameCertificates].flat()).toEqual([]);
    expect(cloud.account.certificates).toEqual([]);
    expect(zone?.settings.ssl?.value).toBe("strict");
  });
});

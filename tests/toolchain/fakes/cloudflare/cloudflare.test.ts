import { X509Certificate } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { cloudflare } from "../../../../toolchain/fakes/cloudflare/cloudflare.ts";
import { clientOf, token } from "../client.ts";
import { client as clientCertificate, request } from "./certificates.ts";

/** An account with one zone, on a fake that ends with the test. */
const openAccount = async () => {
  const { fake, cloud, faults } = cloudflare({ token }, { zones: ["fleet.example"] });
  const address = await fake.listen();
  onTestFinished(() => fake.close());
  const zone = cloud.account.zones[0]?.id as string;
  return { cloud, faults, address, zone, api: clientOf(`${address}/client/v4`) };
};

test("a token is verified; /ips needs none, everything else does", async () => {
  const { api, address } = await openAccount();
  expect((await api("GET", "/user/tokens/verify")).body).toMatchObject({
    success: true,
    result: { status: "active" },
  });
  const stranger = clientOf(`${address}/client/v4`, "");
  expect((await stranger("GET", "/ips")).body.result.ipv4_cidrs).toEqual(["198.18.127.0/24"]);
  const refused = await stranger("GET", "/zones");
  expect([refused.status, refused.body.success, refused.body.errors[0].code]).toEqual([403, false, 9109]);
});

test("a rate limit and an outage are answered in the API's envelope", async () => {
  const { api, faults } = await openAccount();
  faults.add({ answer: "rate-limit" });
  const { status, headers, body } = await api("GET", "/zones");
  expect([status, headers.get("retry-after"), body.errors[0].code]).toEqual([429, "1", 971]);
  expect(headers.get("ratelimit-policy")).toContain("q=1200");
});

test("records: names are completed, listed by filter, changed in part or whole, and gone", async () => {
  const { api, zone } = await openAccount();
  const path = `/zones/${zone}/dns_records`;
  const made = await api("POST", path, {
    name: "ACME",
    type: "A",
    content: "198.18.0.16",
    ttl: 300,
    comment: "owui",
  });
  expect(made.body.result).toMatchObject({
    name: "acme.fleet.example",
    ttl: 300,
    proxied: false,
    proxiable: true,
  });
  await api("POST", path, { name: "@", type: "TXT", content: "hello", ttl: 1 });
  const listed = async (query: string) =>
    (await api("GET", `${path}?${query}`)).body.result.map(({ type }: { type: string }) => type);
  expect(await listed("")).toEqual(["A", "TXT"]);
  expect(await listed("name=acme.fleet.example")).toEqual(["A"]);
  expect(await listed("type=TXT&content=hello")).toEqual(["TXT"]);
  expect(await listed("proxied=true")).toEqual([]);
  const one = `${path}/${made.body.result.id}`;
  const patched = await api("PATCH", one, { proxied: true });
  // A proxied record's time to live is automatic.
  expect(patched.body.result).toMatchObject({ proxied: true, ttl: 1, comment: "owui" });
  const put = await api("PUT", one, { name: "acme", type: "A", content: "198.18.0.17", ttl: 60 });
  expect(put.body.result).toMatchObject({ proxied: false, ttl: 60, comment: null, content: "198.18.0.17" });
  expect((await api("DELETE", one)).body.result.id).toBe(made.body.result.id);
  expect((await api("GET", one)).body.errors[0].code).toBe(81044);
});

test.each([
  ["no address", { type: "A", content: "here" }, 9005],
  ["no IPv6 address", { type: "AAAA", content: "198.18.0.1" }, 9006],
  ["a time to live out of bounds", { ttl: 5 }, 9021],
  ["a proxy where there can be none", { type: "TXT", content: "x", proxied: true }, 9004],
  ["what is there already", {}, 81058],
  ["a CNAME beside an address", { type: "CNAME", content: "other.example" }, 81053],
])("a record with %s is refused", async (_, wrong, code) => {
  const { api, zone } = await openAccount();
  const record = { name: "acme", type: "A", content: "198.18.0.16", ttl: 300 };
  await api("POST", `/zones/${zone}/dns_records`, record);
  const { status, body } = await api("POST", `/zones/${zone}/dns_records`, { ...record, ...wrong });
  expect([status, body.success, body.errors[0].code]).toEqual([400, false, code]);
});

test("zones are found by name; their settings take only what they know", async () => {
  const { api, zone } = await openAccount();
  expect((await api("GET", "/zones?name=fleet.example")).body.result[0].id).toBe(zone);
  expect((await api("GET", "/zones?name=other.example")).body.result_info.total_count).toBe(0);
  const path = `/zones/${zone}/settings`;
  expect((await api("GET", `${path}/ssl`)).body.result).toMatchObject({ id: "ssl", value: "off" });
  expect((await api("PATCH", `${path}/ssl`, { value: "strict" })).body.result.value).toBe("strict");
  expect((await api("PATCH", `${path}/ssl`, { value: "loose" })).body.errors[0].code).toBe(1007);
  expect((await api("GET", `${path}/weather`)).status).toBe(404);
  expect((await api("GET", "/zones/none/settings/ssl")).body.errors[0].code).toBe(7003);
});

test("an origin certificate is really signed, for the request's key and hostnames of the account alone", async () => {
  const { api, cloud } = await openAccount();
  const asked = { csr: await request(), request_type: "origin-ecc", requested_validity: 90 };
  const hostnames = ["acme.fleet.example", "*.fleet.example"];
  const { result } = (await api("POST", "/certificates", { ...asked, hostnames })).body;
  const certificate = new X509Certificate(result.certificate);
  const authority = new X509Certificate(cloud.account.originCa?.certificate as string);
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(certificate.subjectAltName).toBe("DNS:acme.fleet.example, DNS:*.fleet.example");
  expect(result.expires_on).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/);
  const foreign = await api("POST", "/certificates", { ...asked, hostnames: ["bank.example"] });
  expect(foreign.body.errors[0]).toMatchObject({ code: 1010 });
  const broken = await api("POST", "/certificates", { ...asked, csr: "no request", hostnames });
  expect(broken.body.errors[0]).toMatchObject({ code: 1015 });
  expect((await api("DELETE", `/certificates/${result.id}`)).status).toBe(200);
  expect((await api("GET", `/certificates/${result.id}`)).status).toBe(404);
});

test("origin pulls: a hostname is shown a certificate until the association is voided", async () => {
  const { api, zone } = await openAccount();
  const path = `/zones/${zone}/origin_tls_client_auth`;
  const [mine, other] = [await clientCertificate(), await clientCertificate()];
  const mismatched = await api("POST", `${path}/hostnames/certificates`, {
    ...mine,
    private_key: other.private_key,
  });
  expect(mismatched.status).toBe(400);
  const { result } = (await api("POST", `${path}/hostnames/certificates`, mine)).body;
  const associate = (enabled: boolean | null) =>
    api("PUT", `${path}/hostnames`, {
      config: [{ hostname: "acme.fleet.example", cert_id: result.id, enabled }],
    });
  expect((await associate(true)).body.result).toMatchObject([
    { hostname: "acme.fleet.example", enabled: true },
  ]);
  expect((await api("GET", `${path}/hostnames/acme.fleet.example`)).body.result.cert_id).toBe(result.id);
  expect((await api("DELETE", `${path}/hostnames/certificates/${result.id}`)).status).toBe(400);
  expect((await associate(null)).body.result).toEqual([]);
  expect((await api("GET", `${path}/hostnames/acme.fleet.example`)).status).toBe(404);
  expect((await api("DELETE", `${path}/hostnames/certificates/${result.id}`)).status).toBe(200);
  expect((await api("PUT", `${path}/settings`, { enabled: true })).body.result).toEqual({ enabled: true });
});

import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { certificateGauge, endOf } from "../../sync-runtime/certificate-end.ts";
import { TestAuthority } from "../support/certificates.ts";

let directory: string;
let authority: TestAuthority;
const path = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "certificates-"));
  authority = await TestAuthority.create("CN=the authority");
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The gauge's values, by certificate. */
const told = async (gauge: ReturnType<typeof certificateGauge>) =>
  Object.fromEntries((await gauge.get()).values.map(({ labels, value }) => [labels.certificate, value]));

test("a certificate is called by its URI, an authority by its name", async () => {
  const end = new Date("2031-05-06T07:08:09Z");
  const { certificate } = await authority.node("main", "a", end);
  expect(endOf(new X509Certificate(certificate))).toEqual({
    name: "urn:owui:node:main:a",
    expires: end.getTime() / 1000,
  });
  expect(endOf(new X509Certificate(authority.certificate)).name).toBe("the authority");
});

test("the gauge tells of every certificate in its files, as they are now", async () => {
  const [first, second] = [new Date("2030-01-01T00:00:00Z"), new Date("2031-01-01T00:00:00Z")];
  const next = await TestAuthority.create("CN=the next authority");
  writeFileSync(path("tls.crt"), (await authority.node("main", "a", first)).certificate);
  writeFileSync(path("ca.crt"), `${authority.certificate}\n${next.certificate}`);
  const gauge = certificateGauge([path("tls.crt"), path("ca.crt")]);
  expect(await told(gauge)).toEqual({
    "urn:owui:node:main:a": first.getTime() / 1000,
    "the authority": expect.any(Number),
    "the next authority": expect.any(Number),
  });

  writeFileSync(path("tls.crt"), (await authority.node("main", "a", second)).certificate);
  writeFileSync(path("ca.crt"), next.certificate);
  expect(await told(gauge)).toEqual({
    "urn:owui:node:main:a": second.getTime() / 1000,
    "the next authority": expect.any(Number),
  });
});

test("the gauge stays as it was while its files cannot be read", async () => {
  writeFileSync(path("whole.crt"), authority.certificate);
  const gauge = certificateGauge([path("whole.crt")]);
  const before = await told(gauge);
  writeFileSync(path("whole.crt"), "-----BEGIN CERTIFICATE-----\nhalf\n-----END CERTIFICATE-----\n");
  expect(await told(gauge)).toEqual(before);
});

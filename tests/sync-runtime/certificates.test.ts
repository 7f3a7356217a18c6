import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type CertificatePaths, Certificates, type Credentials } from "../../sync-runtime/certificates.ts";
import { TestAuthority, type Credentials as TestCredentials } from "../support/certificates.ts";

const LOOK_MS = 5;

let authority: TestAuthority;
let [first, second]: [TestCredentials, TestCredentials] = [] as never;
const directory = mkdtempSync(join(tmpdir(), "certificates-"));
const paths: CertificatePaths = {
  certificate: join(directory, "tls.crt"),
  key: join(directory, "tls.key"),
  ca: join(directory, "ca.crt"),
};
const log = { info: vi.fn(), error: vi.fn() };

beforeAll(async () => {
  authority = await TestAuthority.create("CN=the authority");
  first = await authority.node("main", "a");
  second = await authority.node("main", "a", new Date("2031-05-06T07:08:09Z"));
});
beforeEach(() => {
  vi.clearAllMocks();
  write(first, authority.certificate);
});
afterAll(() => rmSync(directory, { recursive: true }));

function write({ certificate, key }: TestCredentials, ca: string): void {
  writeFileSync(paths.certificate, certificate);
  writeFileSync(paths.key, key);
  writeFileSync(paths.ca, ca);
}

/** Follows the files while `work` goes on; gives what users were told. */
async function following(work: (certificates: Certificates) => Promise<unknown>): Promise<Credentials[]> {
  const certificates = new Certificates(paths, log, LOOK_MS);
  const told: Credentials[] = [];
  certificates.onChange((credentials) => told.push(credentials));
  const stop = new AbortController();
  const running = certificates.run(stop.signal);
  await work(certificates);
  stop.abort();
  await running;
  return told;
}

describe("certificates", () => {
  it("are taken as their files are, and users told, whenever they change", async () => {
    const told = await following(async (certificates) => {
      write(second, authority.certificate);
      await vi.waitFor(() => expect(String(certificates.current.cert)).toBe(second.certificate));
    });
    expect(told.map(({ cert, key }) => [String(cert), String(key)])).toEqual([
      [second.certificate, second.key],
    ]);
  });

  it.each<[string, () => void]>([
    ["half a certificate", () => writeFileSync(paths.certificate, first.certificate.slice(0, 200))],
    ["a key that is not the certificate's", () => writeFileSync(paths.key, second.key)],
    ["a file of authorities that holds none", () => writeFileSync(paths.ca, "")],
    ["a file that is not there", () => rmSync(paths.ca)],
  ])("stay in use in place of %s, which is said once", async (_, spoil) => {
    const told = await following(async (certificates) => {
      spoil();
      await vi.waitFor(() => expect(log.error).toHaveBeenCalled());
      await new Promise((resolve) => setTimeout(resolve, 3 * LOOK_MS));
      expect(String(certificates.current.cert)).toBe(first.certificate);
    });
    expect(told).toEqual([]);
    expect(log.error).toHaveBeenCalledTimes(1);
  });

  it("that do not fit together at the start are an error there and then", () => {
    writeFileSync(paths.key, second.key);
    expect(() => new Certificates(paths, log)).toThrow(/key values mismatch/);
  });

  it("are known with their ends: one's own, those of authorities, and what others showed last", async () => {
    const certificates = new Certificates(paths, log);
    certificates.see(new X509Certificate((await authority.agent("local")).certificate));
    expect(certificates.ends.map(({ name }) => name)).toEqual([
      "urn:owui:node:main:a",
      "the authority",
      "urn:owui:agent:local",
    ]);
    certificates.see(new X509Certificate(second.certificate));
    expect(certificates.shown).toContainEqual({
      name: "urn:owui:node:main:a",
      expires: Date.parse("2031-05-06T07:08:09Z") / 1000,
    });
  });

  it("of somebody who has not been seen for a week are forgotten", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const certificates = new Certificates(paths, log);
      certificates.see(new X509Certificate((await authority.agent("local")).certificate));
      vi.advanceTimersByTime(8 * 86_400_000);
      expect(certificates.shown).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });
});

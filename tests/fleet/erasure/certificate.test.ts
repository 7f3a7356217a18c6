import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { verdictText } from "../../../fleet/commands/erase.ts";
import {
  type Certificate,
  certify,
  fingerprintOf,
  fingerprintOfSigner,
  isGenuine,
  readCertificate,
  type Statement,
} from "../../../fleet/erasure/certificate.ts";
import { remaindersOf, thingsOf } from "../../../fleet/erasure/contents.ts";
import { certificatePage } from "../../../fleet/erasure/page.ts";

const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const before = {
  ...{
    domains: ["acme.example"],
    identity: "0000",
    hosts: { local: "3 things, 2 MB" },
    database: "43 tables",
  },
  ...{ stored: "412 objects, 3 MB", state: 12, older: 4 },
};
const at = { at: "2026-11-22T10:00:00.000Z" };
const found = { leave: at, erasedHosts: at, erasedReplica: at, erasedState: at, erasedBackups: at };
const statement: Statement = {
  ...{ format: 1, kind: "erasure", stack: "local", tenant: "acme", identity: "0000", operation: "12" },
  ...{ askedBy: "ana </script><b>", askedAt: at.at, waitedUntil: null, completedAt: at.at },
  things: thingsOf(before, found, true),
  remains: remaindersOf({ local: { nginx: 3 } }, true, true),
};
const certificate = certify(statement, key);

describe("a certificate of an erasure", () => {
  it("is genuine as it was written, as JSON and as a page", () => {
    for (const text of [
      JSON.stringify(certificate),
      JSON.stringify(certificate, undefined, 2),
      certificatePage(certificate),
    ]) {
      const read = readCertificate(text);
      expect(read).toEqual(certificate);
      expect(isGenuine(read as Certificate)).toBe(true);
    }
  });

  it.each([
    ["another tenant", { ...statement, tenant: "globex" }],
    ["another time", { ...statement, completedAt: "2025-01-01T00:00:00.000Z" }],
    ["one thing less", { ...statement, things: statement.things.slice(1) }],
    ["nothing that remains", { ...statement, remains: [] }],
  ])("is not genuine with %s", (_, changed) => {
    expect(isGenuine({ ...certificate, statement: changed })).toBe(false);
  });

  it("is another signer's with another key, and says so", () => {
    const other = generateKeyPairSync("ed25519")
      .privateKey.export({ type: "pkcs8", format: "pem" })
      .toString();
    const forged = certify(statement, other);
    expect(isGenuine(forged)).toBe(true);
    expect(fingerprintOf(forged.signature.publicKey)).not.toBe(fingerprintOfSigner(key));
    expect(fingerprintOf(certificate.signature.publicKey)).toBe(fingerprintOfSigner(key));
    expect(verdictText(forged, "f", false)).toContain("NOT the key of this stack");
    expect(verdictText(certificate, "f", true)).toContain("the key of stack local");
    expect(verdictText(certificate, "f", undefined)).toContain("compare the fingerprint");
  });

  it("takes no other kind of key or signature", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    void privateKey;
    const rsa = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    const { signature } = certificate;
    expect(isGenuine({ ...certificate, signature: { ...signature, publicKey: rsa } })).toBe(false);
    expect(isGenuine({ ...certificate, signature: { ...signature, publicKey: "AAAA" } })).toBe(false);
    expect(isGenuine({ ...certificate, signature: { ...signature, value: "AAAA" } })).toBe(false);
  });

  it.each(["", "{}", "<html></html>", "null"])("is not read out of %j", (text) => {
    expect(readCertificate(text)).toBeUndefined();
  });

  it("is a page in which nothing that was said becomes markup", () => {
    const page = certificatePage(certificate);
    expect(page).not.toContain("</script><b>");
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain("What this does not reach");
    expect(page).toContain(fingerprintOfSigner(key));
  });

  it("tells what was there, when it went and how that was seen, and what it does not reach", () => {
    expect(statement.things.map(({ found: there }) => there)).toEqual([
      "12 resources",
      "3 things, 2 MB",
      "43 tables",
      "4 files",
    ]);
    expect(statement.things.every(({ erased }) => erased === at.at)).toBe(true);
    const remains = (logs: Record<string, Record<string, number>>, monitored: boolean, local: boolean) =>
      remaindersOf(logs, monitored, local)
        .map(({ where }) => where)
        .join("; ");
    expect(remains({ local: { nginx: 3 } }, true, true)).toMatch(/nginx's log on host local.*Prometheus/);
    expect(remains({ local: {} }, false, true)).not.toMatch(/nginx|Prometheus|service that keeps/);
    expect(remains({}, false, false)).toContain("service that keeps the state");
  });

  describe("of backups in a bucket", () => {
    const where = "acme/ in bucket b";
    const none = { objects: 0, bytes: 0, versions: true };
    const remains = (stored: Parameters<typeof thingsOf>[3]) =>
      remaindersOf({}, false, true, { stored })
        .filter((one) => one.where === where)
        .map(({ what, until }) => `${what} until ${until}`);
    const things = (stored: Parameters<typeof thingsOf>[3]) =>
      thingsOf(before, found, true, stored).filter((one) => one.where === where);

    it("says that they are gone, and what they were", () => {
      expect(things({ where, found: none })).toMatchObject([{ found: "412 objects, 3 MB", erased: at.at }]);
      expect(remains({ where, found: none })).toEqual([]);
    });

    it("says that older versions may be there where nobody can see them", () => {
      expect(things({ where, found: { ...none, versions: false } })).toHaveLength(1);
      expect(remains({ where, found: { ...none, versions: false } })).toEqual([
        expect.stringMatching(/older versions.*until the bucket's own retention ends/),
      ]);
    });

    it.each([
      [{ where, found: { objects: 3, bytes: 2_000_000, versions: true } }, /3 objects, 2.*left on purpose/],
      [{ where, why: "nobody answers" }, /left on purpose: nobody answers/],
    ])("never says so of what was left there: %j", (stored, said) => {
      expect(things(stored)).toEqual([]);
      expect(remains(stored)).toEqual([expect.stringMatching(said)]);
    });
  });
});

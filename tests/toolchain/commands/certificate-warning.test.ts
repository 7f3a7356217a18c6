import { expect, it } from "vitest";
import { certificateWarning } from "../../../toolchain/commands/certificate-warning.ts";

const now = Date.parse("2026-11-21T15:00:00Z");
const ending = (name: string, expires_at: string) => ({ name, expires_at });
const remedy = "`npm run up` makes it anew and restarts nothing; with its end the syncs that need it stop.";

it("says nothing of certificates that live for another month", () => {
  const certificates = [ending("urn:owui:node:main:a", "2026-12-21T15:00:00Z")];
  expect(certificateWarning({ certificates }, now)).toEqual([]);
});

it.each([
  ["2026-12-21T14:59:59Z", "ends in 29 days"],
  ["2026-11-22T16:00:00Z", "ends in 1 day"],
  ["2026-11-21T16:00:00Z", "ends within a day"],
  ["2026-11-21T14:59:59Z", "HAS ENDED"],
])("of one that ends at %s says: %s, with the remedy", (expires_at, text) => {
  const certificates = [ending("urn:owui:agent:local", expires_at)];
  expect(certificateWarning({ certificates }, now)).toEqual([
    `The certificate of urn:owui:agent:local ${text}.`,
    remedy,
  ]);
});

it("begins with the one that ends first", () => {
  const certificates = [ending("later", "2026-12-02T15:00:00Z"), ending("sooner", "2026-12-01T15:00:00Z")];
  const names = certificateWarning({ certificates }, now).map((line) => line.split(" ")[3]);
  expect(names.slice(0, 2)).toEqual(["sooner", "later"]);
});

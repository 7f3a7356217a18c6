import { expect, test } from "vitest";
import {
  isDue,
  outdated,
  serialNumber,
  validityFrom,
} from "../../../../toolchain/providers/tls/certificate.ts";

test("a certificate is due in its last early hours, whatever a refresh said", () => {
  const end = "2030-01-02T00:00:00Z";
  expect(isDue(end, 24, new Date("2029-12-31T23:59:59Z"))).toBe(false);
  expect(isDue(end, 24, new Date("2030-01-01T00:00:00Z"))).toBe(true);
  expect(outdated({ validityEndTime: "2020-01-01T00:00:00Z" }, {})).toEqual(["readyForRenewal"]);
});

test("a certificate is valid for whole seconds, under a positive number of 16 bytes", () => {
  const { notBefore, notAfter } = validityFrom(new Date("2030-01-01T00:00:00.789Z"), 2);
  expect([notBefore, notAfter].map((date) => date.toISOString())).toEqual([
    "2030-01-01T00:00:00.000Z",
    "2030-01-01T02:00:00.000Z",
  ]);
  for (let i = 0; i < 20; i++) expect(serialNumber()).toMatch(/^[0-7][0-9a-f]{31}$/);
});

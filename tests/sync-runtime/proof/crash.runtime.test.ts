import { afterAll, beforeAll, expect, test } from "vitest";
import type { FaultPoint } from "../../../sync-runtime/fault-point.ts";
import { CrashFleet, type Mishap } from "./crash-fleet.ts";

let fleet: CrashFleet;
beforeAll(async () => {
  fleet = await CrashFleet.start();
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

// The whole matrix is matrix.faults.test.ts.
test.each<[FaultPoint, Mishap]>([
  ["agent:pending-saved", "killed"],
  ["agent:sent", "killed"],
  ["node:claim-locked", "killed"],
  ["node:committed", "killed"],
  ["node:measured", "postgres killed"],
  ["node:table-loaded", "postgres cut off"],
])("%s, %s: one retry makes the replica equal again", async (point, mishap) => {
  fleet.write();
  const { retries } = await fleet.disturb(point, mishap);
  expect(retries).toBeLessThanOrEqual(1);
  await fleet.requireEqual();
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_POINTS } from "../../../sync-runtime/fault-point.ts";
import { CrashFleet, MISHAPS } from "./crash-fleet.ts";

let fleet: CrashFleet;
beforeAll(async () => {
  fleet = await CrashFleet.start();
});
afterAll(() => fleet?.[Symbol.asyncDispose]());

describe.each(MISHAPS)("%s", (mishap) => {
  test.each(FAULT_POINTS)(
    "at %s: one retry makes the replica equal again, and the next sync too",
    async (point) => {
      fleet.write();
      const { retries } = await fleet.disturb(point, mishap);
      expect(retries).toBeLessThanOrEqual(1);
      await fleet.requireEqual();
      fleet.write();
      expect(await fleet.sync()).toEqual({ first: "success", retries: 0 });
      await fleet.requireEqual();
    },
  );
});

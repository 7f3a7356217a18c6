import fc from "fast-check";
import { expect, test } from "vitest";
import { retryDelay } from "../../../sync-runtime/node/backoff.ts";

test("a failed sync is tried again after 5 s, then twice as long each time, at most 5 min", () => {
  const middle = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((attempt) => retryDelay(attempt, 0.5));
  expect(middle).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
});

test("chance moves a delay by a fifth at most", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (attempt, random) => {
        const share = retryDelay(attempt, random) / retryDelay(attempt, 0.5);
        expect(share).toBeGreaterThanOrEqual(0.8 - 1e-9);
        expect(share).toBeLessThanOrEqual(1.2 + 1e-9);
      },
    ),
  );
});

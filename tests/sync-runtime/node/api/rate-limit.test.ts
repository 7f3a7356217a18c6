import { describe, expect, test } from "vitest";
import { addressKey, RateLimit } from "../../../../sync-runtime/node/api/rate-limit.ts";

let now = 0;
const limitOf = () => new RateLimit({ perSecond: 2, burst: 4 }, () => now);
const takes = (limit: RateLimit, who: string, times: number): number => {
  let taken = 0;
  for (let nth = 0; nth < times; nth += 1) {
    try {
      limit.take(who);
      taken += 1;
    } catch {}
  }
  return taken;
};

describe("a rate limit", () => {
  test("lets a burst through, and then so many a second", () => {
    const limit = limitOf();
    expect(takes(limit, "ana", 10)).toBe(4);
    now += 1000;
    expect(takes(limit, "ana", 10)).toBe(2);
    now += 3_600_000;
    expect(takes(limit, "ana", 10)).toBe(4);
  });

  test("counts everybody for themselves", () => {
    const limit = limitOf();
    takes(limit, "ana", 10);
    expect(takes(limit, "bo", 1)).toBe(1);
  });

  test("says when to come again", () => {
    const limit = new RateLimit({ perSecond: 0.1, burst: 1 }, () => now);
    limit.take("ana");
    expect(() => limit.take("ana")).toThrow(
      expect.objectContaining({ kind: "too-many-requests", headers: { "retry-after": "10" } }),
    );
  });

  test("does not get longer by asking all the time", () => {
    const limit = limitOf();
    takes(limit, "ana", 1000);
    now += 500;
    expect(takes(limit, "ana", 1)).toBe(1);
  });

  test("remembers a bounded number of callers, and forgets who was silent for longest", () => {
    const limit = limitOf();
    takes(limit, "first", 10);
    for (let nth = 0; nth < 20_000; nth += 1) limit.take(`caller ${nth}`);
    expect(limit.size).toBe(10_000);
    expect(takes(limit, "first", 1)).toBe(1);
  });
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::9", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
])("%s counts as %s", (address, counted) => {
  expect(addressKey(address)).toBe(counted);
});

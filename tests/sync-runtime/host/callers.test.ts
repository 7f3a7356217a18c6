import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallerList, Callers } from "../../../sync-runtime/host/callers.ts";

describe("a list of callers", () => {
  const list = new CallerList(["10.1.0.0/16", "192.0.2.7/32", "2001:db8:1::/48"]);

  it.each(["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "192.0.2.7", "2001:db8:1:ffff::1"])(
    "lets %s in",
    (address) => {
      expect(list.allows(address)).toBe(true);
      expect(list.check(address)).toBe(false);
    },
  );

  it.each([
    "10.2.0.0",
    "192.0.2.8",
    "::ffff:10.2.0.0",
    "::10.1.2.3",
    "2001:db8:2::1",
    "",
    "undefined",
    "10.1.2",
    "10.1.2.3\0",
  ])("keeps %j out", (address) => {
    expect(list.allows(address)).toBe(false);
    expect(list.check(address)).toBe(true);
  });

  it("may name neighbours beside subnets: whoever is on a network of this machine's own, its loopback among them", () => {
    const both = new CallerList(["neighbours", "240.0.0.7/32"]);
    expect(["127.0.0.1", "240.0.0.7", "240.0.0.8"].map((address) => both.allows(address))).toEqual([
      ...[true, true, false],
    ]);
    expect(Callers.safeParse(["neighbours", "10.0.0.0/24"]).success).toBe(true);
    expect(Callers.safeParse(["strangers"]).success).toBe(false);
  });

  it("that is empty lets nobody in, and one of everything everybody", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(new CallerList([]).allows(address)).toBe(false);
        expect(new CallerList(["0.0.0.0/0", "::/0"]).allows(address)).toBe(true);
      }),
    );
  });

  it("tells an IPv4 address the same whichever way it is written", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, subnet, length) => {
        const list = new CallerList([`${subnet}/${length}`]);
        expect(list.allows(`::ffff:${address}`)).toBe(list.allows(address));
      }),
    );
  });

  it("names an address that is kept out once a minute, and counts it each time", () => {
    let now = 0;
    const told: [string, boolean][] = [];
    const list = new CallerList(
      [],
      (...refusal) => told.push(refusal),
      () => now,
    );
    for (const at of [0, 1_000, 59_999, 60_000]) {
      now = at;
      list.check("192.0.2.1");
    }
    list.check("192.0.2.2");
    expect(told).toEqual([
      ["192.0.2.1", true],
      ["192.0.2.1", false],
      ["192.0.2.1", false],
      ["192.0.2.1", true],
      ["192.0.2.2", true],
    ]);
  });

  it("remembers a thousand of those at most", () => {
    const news: string[] = [];
    const list = new CallerList(
      [],
      (address, isNews) => isNews && news.push(address),
      () => 0,
    );
    const many = Array.from({ length: 1_001 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
    for (const address of many) list.check(address);
    list.check("10.0.0.0");
    expect(news).toHaveLength(1_002);
  });
});

import { describe, expect, it } from "vitest";
import { choose, isEarlier, type Snapshot } from "../../../fleet/restore/choice.ts";

const snapshot = (id: string, takenAt: string): Snapshot => ({
  id,
  takenAt,
  openWebui: "v0.11.3",
  database: "sqlite",
});
const all = [
  snapshot("c0ffee11aa", "2026-11-22T06:00:00.000Z"),
  snapshot("badcab1eaa", "2026-11-20T06:00:00.000Z"),
  snapshot("c0ffee22aa", "2026-11-21T06:00:00.000Z"),
];
const chosen = (wanted: Parameters<typeof choose>[2]) => choose("acme", all, wanted).id;

describe("the backup that is restored", () => {
  it.each([
    [{}, "c0ffee11aa"],
    [{ at: "2026-11-21T06:00:00Z" }, "c0ffee22aa"],
    [{ at: "2026-11-22T05:59:59Z" }, "c0ffee22aa"],
    [{ at: "2026-11-20" }, "badcab1eaa"],
    [{ at: "2030-01-01T00:00+02:00" }, "c0ffee11aa"],
    [{ snapshot: "badc" }, "badcab1eaa"],
    [{ snapshot: "c0ffee22" }, "c0ffee22aa"],
  ])("by %o is %s", (wanted, id) => {
    expect(chosen(wanted)).toBe(id);
  });

  it.each([
    [{ at: "2026-11-19T00:00Z" }, /No backup of acme is as old.*\n.*oldest is of 2026-11-20/],
    [{ at: "tomorrow" }, /"tomorrow" is no time/],
    [{ snapshot: "c0ffee" }, /Several backups of acme begin with "c0ffee"/],
    [{ snapshot: "abcdef12" }, /No backup of acme begins with "abcdef12"/],
    [{ snapshot: "b" }, /No backup|Several|begin/],
    [{ at: "2026-11-20", snapshot: "badc" }, /do not go together/],
  ])("is refused by %o", (wanted, why) => {
    expect(() => chosen(wanted)).toThrow(why);
  });

  it("is refused where there is none", () => {
    expect(() => choose("acme", [], {})).toThrow(/no backup of acme[\s\S]*npx fleet backup run acme/);
  });
});

describe("versions of Open WebUI", () => {
  it.each([
    ["v0.9.6", "v0.11.3", true],
    ["v0.11.3", "v0.9.6", false],
    ["v0.11.3", "v0.11.3", false],
    ["0.6.43", "v0.10.0", true],
    ["main", "v0.11.3", false],
  ])("%s is before %s: %s", (one, other, is) => {
    expect(isEarlier(one, other)).toBe(is);
  });
});

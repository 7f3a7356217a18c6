import { describe, expect, it } from "vitest";
import { type BackupView, missingProtection } from "../../../toolchain/commands/protection.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const replica = { verified_at: "2026-11-22T11:59:00Z", equal: true, held: null };
const held = {
  ...{ id: "1", reason: "shrunk", detail: null, text: "", since: "2026-11-22T11:00:00Z", accepted: false },
};
const drill = { at: "2026-11-16T12:00:00Z", ok: true, snapshot: "1", seconds: 9, why: null };
const backup: BackupView = {
  ...{ every: 21_600, drillEvery: 604_800, since: "2026-11-01T00:00:00Z" },
  ...{ lastStarted: "2026-11-22T06:30:00Z", lastGood: "2026-11-22T06:30:00Z", snapshot: "2" },
  ...{ bytes: 100, addedBytes: 10, snapshots: 80, failing: null, drill },
};

/** What is missing where one thing is otherwise. */
const missing = (changed: Partial<BackupView> = {}, kept: Partial<typeof replica> = {}) =>
  missingProtection({ ...replica, ...kept }, { known: true, backup: { ...backup, ...changed } }, now);

describe("a tenant is protected", () => {
  it("with a verified replica, a fresh backup, and a trial restore in time", () => {
    expect(missing()).toEqual([]);
  });

  it("while a backup fails for the first time, as long as the last good one is fresh", () => {
    expect(missing({ failing: { since: "2026-11-22T11:00:00Z", why: "no room" } })).toEqual([]);
  });

  it.each<[string, string[], string[]]>([
    [
      "without a verified sync",
      missing({}, { verified_at: null as unknown as string }),
      ["its replica was never verified"],
    ],
    ["with a replica that differs", missing({}, { equal: false }), ["its replica is not equal"]],
    ["with one that is held", missing({}, { held: held as never }), ["its replica is held"]],
    ["before its first backup", missing({ lastGood: null, drill: null }), ["no backup yet"]],
    [
      "where none ever ended well",
      missing({ lastGood: null, drill: null, failing: { since: "2026-11-22T11:00:00Z", why: "no room" } }),
      ["no backup yet: no room"],
    ],
    ["behind two intervals", missing({ lastGood: "2026-11-21T23:59:59Z" }), ["its backup is too old"]],
    [
      "behind two intervals of failures",
      missing({
        lastGood: "2026-11-21T23:59:59Z",
        failing: { since: "2026-11-22T05:00:00Z", why: "no room" },
      }),
      ["backups fail: no room"],
    ],
    ["never drilled", missing({ drill: null }), ["no backup was restored for a trial yet"]],
    [
      "drilled too long ago",
      missing({ drill: { ...drill, at: "2026-11-15T08:59:59Z" } }),
      ["its last trial restore is too old"],
    ],
    [
      "whose trial failed",
      missing({ drill: { ...drill, ok: false, why: "no sign-in" } }),
      ["its trial restore failed: no sign-in"],
    ],
    [
      "that nobody backs up",
      missingProtection(replica, { known: true, backup: null }, now),
      ["not backed up"],
    ],
    [
      "of whose backups nobody could be asked",
      missingProtection(replica, { known: false }, now),
      ["its backups are not known"],
    ],
  ])("not %s", (_, is, said) => {
    expect(is).toEqual(said);
  });
});

import { describe, expect, it } from "vitest";
import { backupTable, listText } from "../../../fleet/commands/backup.ts";
import type { KnownBackup } from "../../../toolchain/commands/protection.ts";

const now = Date.parse("2026-11-22T12:00:00Z");
const backup = {
  ...{ every: 21_600, drillEvery: 604_800, since: "2026-11-01T00:00:00Z" },
  ...{ lastStarted: "2026-11-22T09:00:00Z", lastGood: "2026-11-22T09:00:00Z", snapshot: "1" },
  ...{ bytes: 1_230_000_000, addedBytes: 4_560_000, snapshots: 120, failing: null },
  drill: { at: "2026-11-20T12:00:00Z", ok: true, snapshot: "0", seconds: 31, why: null },
};

describe("tenants' backups", () => {
  it("are a line each, and what fails is said in full", () => {
    const kept = new Map<string, KnownBackup>([
      ["acme", { known: true, backup }],
      [
        "globex",
        {
          known: true,
          backup: {
            ...backup,
            failing: { since: "2026-11-22T11:00:00Z", why: "There is no room left." },
            drill: { ...backup.drill, ok: false, why: "nobody could sign in" },
          },
        },
      ],
      ["initech", { known: true, backup: { ...backup, lastGood: null, snapshots: 0, drill: null } }],
      ["umbrella", { known: true, backup: null }],
      ["wayne", { known: false }],
    ]);
    expect(backupTable(kept, now)).toBe(
      `
tenant     latest                                size     new      kept   trial restore
acme       3 h ago                               1.2 GB   4.6 MB   120    good 2 d ago
globex     3 h ago, FAILING                      1.2 GB   4.6 MB   120    FAILED 2 d ago
initech    none yet                                                0      never
umbrella   not backed up
wayne      not known: no node or agent answers

globex fails since 2026-11-22T11:00:00Z: There is no room left.
globex's trial restore failed: nobody could sign in`.trimStart(),
    );
  });

  it("are listed by what names them", () => {
    const stored = [
      {
        id: "4711081500",
        time: "2026-11-22T09:00:00.000Z",
        openWebui: "v0.11.3",
        database: "sqlite" as const,
      },
    ];
    expect(listText("acme", stored, now)).toBe(
      "backup     of                                   Open WebUI   database\n47110815   2026-11-22T09:00:00.000Z   3 h ago   v0.11.3      SQLite",
    );
    expect(listText("acme", [], now)).toBe("There is no backup of acme yet.");
  });
});

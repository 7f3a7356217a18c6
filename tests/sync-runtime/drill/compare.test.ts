import { describe, expect, it } from "vitest";
import { compare } from "../../../sync-runtime/drill/compare.ts";
import type { BackupManifest } from "../../../sync-runtime/protocol/backup-manifest.ts";

const rows = (counts: Record<string, number>) =>
  Object.fromEntries(Object.entries(counts).map(([name, rows]) => [name, { rows, sum: "0".repeat(64) }]));
const manifest = (counts: Record<string, number>) =>
  ({ openWebui: "v0.11.3", database: { tables: rows(counts) } }) as unknown as BackupManifest;
const seen = (rows: Record<string, number>, more: object = {}) => ({
  ...{ version: "0.11.3", users: null, rows, chat: null, file: null },
  ...more,
});

describe("what an application shows of a backup", () => {
  const counts = { user: 2, auth: 2, chat: 7, file: 1, tag: 3, config: 1 };

  it("is all of it, and what it adds by itself does not count", () => {
    expect(compare(manifest(counts), seen({ ...counts, config: 2, planted: 4 }, { users: 2 }))).toEqual([]);
  });

  it.each([
    [{ chat: 6 }, "table chat has 6 rows in the application and 7 in the backup"],
    [{ chat: 8 }, "table chat has 8 rows in the application and 7 in the backup"],
    [{ tag: 0 }, "table tag has 0 rows in the application and 3 in the backup"],
    [{ config: 0 }, "table config has 0 rows in the application and 1 in the backup"],
  ])("is not all of it: %o", (change, problem) => {
    expect(compare(manifest(counts), seen({ ...counts, ...change }))).toEqual([problem]);
  });

  it("is not all of it where a table is gone, or its API shows fewer users", () => {
    const { tag: _, ...without } = counts;
    expect(compare(manifest(counts), seen(without, { users: 1 }))).toEqual([
      "table tag has no rows in the application and 3 in the backup",
      "the application shows 1 users, and the backup has 2",
    ]);
  });

  it("may be kept elsewhere by a later version, but for people, chats and files", () => {
    const { tag: _, ...moved } = counts;
    expect(compare(manifest(counts), seen(moved, { version: "0.12.4" }))).toEqual([]);
    expect(compare(manifest(counts), seen({ ...moved, file: 0 }, { version: "0.12.4" }))).toEqual([
      "table file has 0 rows in the application and 1 in the backup",
    ]);
  });
});

import { describe, expect, it } from "vitest";
import { alarmingLosses, lossesOf, lossText, schemaFault } from "../../../fleet/upgrade/losses.ts";

describe("rows that a new version loses", () => {
  it("are those of tables that have fewer, or are gone with some", () => {
    const before = {
      chat: 10,
      user: 3,
      document: 2,
      config: 1,
      chatidtag: 0,
      alembic_version: 1,
      migratehistory: 18,
    };
    const after = { chat: 9, user: 3, config: 5, chat_message: 40 };
    const losses = lossesOf(before, after);
    expect(losses).toEqual([
      { table: "chat", before: 10, after: 9 },
      { table: "document", before: 2, after: null },
    ]);
    expect(lossText(losses)).toBe("chat has 9 rows of 10; document is gone, with 2 rows");
  });

  it("alarm behind the switch only where users can hardly have deleted them, or a table is gone", () => {
    const before = { chat: 100, message: 100, file: 12, note: 5, user: 40 };
    const after = { chat: 71, message: 69, file: 3, user: 40 };
    expect(alarmingLosses(before, after, [])).toEqual([
      { table: "message", before: 100, after: 69 },
      { table: "note", before: 5, after: null },
    ]);
  });

  it("do not alarm where the rehearsal lost them, and its operator went on", () => {
    const known = [{ table: "note", before: 4, after: null }];
    expect(alarmingLosses({ note: 5 }, {}, known)).toEqual([]);
  });
});

describe("a schema", () => {
  it.each([
    [["b"], ["b"], undefined],
    [["a"], ["b"], /schema is a, and the version's own is b/],
    [[], ["b"], /unknown/],
    // A version before alembic, or one that keeps its migrations elsewhere.
    [[], [], undefined],
  ])("of %j, with %j as the version's own", (is, head, fault) => {
    const found = schemaFault({ is, head });
    if (fault) expect(found).toMatch(fault);
    else expect(found).toBeUndefined();
  });
});

import { describe, expect, test } from "vitest";
import {
  type ConflictType,
  conflictType,
  decide,
  type RowImage,
  type Strategy,
} from "../../../../sync-runtime/node/conflict/decide.ts";
import { EDITED, meeting } from "./meetings.ts";

const row = (title: string, updated_at: unknown = EDITED - 3600): Record<string, unknown> => ({
  ...{ id: "1", title, updated_at },
});
const was = row("was");

describe("what kind of conflict it is", () => {
  test.each<[ConflictType | undefined, RowImage, RowImage, RowImage]>([
    ["update/update", was, row("source"), row("edit")],
    ["update/delete", was, row("source"), null],
    ["delete/update", was, null, row("edit")],
    ["insert/insert", null, row("source"), row("edit")],
    ["none/update", was, was, row("edit")],
    ["none/delete", was, was, null],
    ["none/insert", null, null, row("edit")],
    [undefined, was, null, null],
    [undefined, was, row("alike"), row("alike")],
    [undefined, null, row("alike"), row("alike")],
    [undefined, was, row("source"), was],
    [undefined, null, null, null],
  ])("%s: %#", (type, base, source, remote) => {
    expect(conflictType({ base, source, remote })).toBe(type);
  });
});

test("a number is the same as its text, and a column that is not there is null", () => {
  const [base, source] = [
    { id: "1", at: "9007199254740993", note: null },
    { id: "1", at: 9007199254740993n },
  ];
  expect(conflictType({ base, source, remote: { ...base, note: undefined } })).toBeUndefined();
});

describe.each<[Strategy, Partial<Record<ConflictType, string>>]>([
  ["source_wins", {}],
  [
    "target_wins",
    {
      "update/update": "remote",
      "update/delete": "remote",
      "delete/update": "remote",
      "insert/insert": "remote",
      "none/update": "remote",
      "none/delete": "remote",
      "none/insert": "remote",
    },
  ],
  [
    "newest_wins",
    {
      "update/update": "remote",
      "update/delete": "remote",
      "insert/insert": "remote",
      "none/update": "remote",
      "none/delete": "remote",
      "none/insert": "remote",
    },
  ],
  [
    "merge",
    {
      "update/update": "merged",
      "insert/insert": "remote",
      "none/update": "remote",
      "none/delete": "remote",
      "none/insert": "remote",
    },
  ],
  [
    "manual",
    {
      "update/update": "pending",
      "update/delete": "pending",
      "delete/update": "pending",
      "insert/insert": "pending",
      "none/update": "pending",
      "none/delete": "pending",
      "none/insert": "pending",
    },
  ],
])("%s, with an edit that is newer", (strategy, winners) => {
  const [theirs, edit] = [{ ...was, pinned: true, updated_at: EDITED - 60 }, row("edit")];
  test.each<[ConflictType, RowImage, RowImage, RowImage]>([
    ["update/update", was, theirs, edit],
    ["update/delete", was, theirs, null],
    ["delete/update", was, null, edit],
    ["insert/insert", null, row("source", EDITED - 60), row("edit", EDITED)],
    ["none/update", was, was, edit],
    ["none/delete", was, was, null],
    ["none/insert", null, null, edit],
  ])("decides %s", (type, base, source, remote) => {
    const decision = decide(meeting(base, source, remote), strategy);
    expect(decision).toMatchObject({ type, strategy, winner: winners[type] ?? "source" });
    if (decision.winner === "remote")
      expect(decision.row).toEqual(source && remote ? { ...source, ...remote } : remote);
    else if (decision.winner !== "merged") expect(decision).not.toHaveProperty("row");
    expect(decision.why).toMatch(/^[A-Z].*\.$/);
  });
});

test.each<[string, Strategy, RowImage, RowImage, RowImage, string]>([
  ["the later stamp", "newest_wins", was, row("source", EDITED + 1), row("edit"), "source"],
  ["the later edit", "newest_wins", was, row("source", EDITED - 1), row("edit"), "remote"],
  ["nanoseconds", "newest_wins", was, row("source", `${EDITED - 1}000000000`), row("edit"), "remote"],
  ["the edit's own stamp", "newest_wins", was, row("source", EDITED - 1), row("edit", EDITED - 2), "source"],
  [
    "the edit's stamp, in milliseconds",
    "newest_wins",
    was,
    row("s", EDITED + 1),
    row("e", (EDITED + 2) * 1e3),
    "remote",
  ],
  ["one second for both", "newest_wins", was, row("source", EDITED), row("edit"), "source"],
  ["a stamp that did not move", "newest_wins", was, row("source"), row("edit"), "source"],
  [
    "no stamp",
    "newest_wins",
    { id: "1", title: "was" },
    { id: "1", title: "s" },
    { id: "1", title: "e" },
    "source",
  ],
  ["a stamp that is none", "newest_wins", was, row("source", "soon"), row("edit"), "source"],
  [
    "the last activity",
    "newest_wins",
    { ...was, last_active_at: 1 },
    { ...row("source"), last_active_at: EDITED + 9 },
    { ...row("edit"), last_active_at: 1 },
    "source",
  ],
])("the newest is told by %s", (_, strategy, base, source, remote, winner) => {
  expect(decide(meeting(base, source, remote), strategy).winner).toBe(winner);
});

test.each<[Strategy, RowImage, RowImage, RowImage, string]>([
  ["source_wins", was, was, row("edit"), "In chat the source always wins."],
  ["target_wins", was, was, row("edit"), "In chat the edit always wins."],
  [
    "manual",
    was,
    was,
    row("edit"),
    "Conflicts in chat wait for an operator; the source's row stays until then.",
  ],
  ["newest_wins", was, was, row("edit"), "Only the edit changed the row: it is the newest."],
  [
    "newest_wins",
    was,
    row("source", EDITED + 5),
    row("edit"),
    "The source wins because the source's change is the newer (2026-11-21T20:00:05.000Z against 2026-11-21T20:00:00.000Z).",
  ],
  [
    "newest_wins",
    was,
    row("source"),
    row("edit"),
    "The source wins because the source's change moved no stamp, so nothing tells when it was made.",
  ],
  [
    "newest_wins",
    was,
    null,
    row("edit"),
    "The source wins because a row that the source deleted carries no stamp.",
  ],
  ["merge", was, was, null, "Only the edit changed the row: nothing is to be merged."],
  ["merge", was, null, row("edit"), "A deletion cannot be merged with a change: the source wins."],
  [
    "merge",
    { ...was, role: "user" },
    { ...row("source", EDITED + 5), role: "user" },
    { ...row("edit"), role: "admin" },
    "Merged by field: title, updated_at are the source's; role is the edit's; what both changed is decided because " +
      "the source's change is the newer (2026-11-21T20:00:05.000Z against 2026-11-21T20:00:00.000Z).",
  ],
  [
    "merge",
    { ...was, role: "user" },
    { ...row("source"), role: "user" },
    { ...was, role: "admin" },
    "Merged by field: title is the source's; role is the edit's.",
  ],
  ["source_wins", was, row("alike"), row("alike"), "Both sides are the same: nothing is decided."],
])("%s says why: %#", (strategy, base, source, remote, why) => {
  expect(decide(meeting(base, source, remote), strategy).why).toBe(why);
});

test("a document that is too long to be merged is the newest's, and the operator is told", () => {
  const chat = (letter: string) => ({ ...was, chat: JSON.stringify(letter.repeat(4_000_000)) });
  const decision = decide(meeting(chat("a"), { ...chat("b"), updated_at: EDITED - 9 }, chat("c")), "merge");
  expect(decision).toMatchObject({ winner: "merged", row: { chat: chat("c").chat, updated_at: EDITED - 9 } });
  expect(decision.why).toContain("chat is the edit's; too long to be merged: chat; what both changed");
});

test("a table without a key is the source's, whatever is declared", () => {
  expect(decide(meeting(null, null, row("edit"), { key: null }), "target_wins")).toEqual({
    type: "none/insert",
    strategy: "source_wins",
    winner: "source",
    why: "chat has no key, so that no row of it can be told from another: the source wins.",
  });
});

test("a row with values beside it is never merged: one of the two stays as it is", () => {
  const odd = { ...was, _replica_odd: '{"meta":"SQ=="}' };
  const [source, remote] = [
    { ...odd, title: "source", updated_at: EDITED - 9 },
    { ...odd, title: "edit" },
  ];
  const decision = decide(meeting(odd, source, remote), "merge");
  expect(decision).toMatchObject({ winner: "remote", row: remote });
  expect(decision.why).toMatch(
    /^A value that its column cannot hold keeps the row from being merged\. The edit wins/,
  );
  expect(decide(meeting(odd, { ...source, updated_at: EDITED + 9 }, remote), "merge").winner).toBe("source");
});

describe("a table whose columns changed since", () => {
  test("gives a winning edit what the source has in the new ones, and leaves out the old ones", () => {
    const source = { id: "1", title: "was", updated_at: 7, colour: "red" };
    const base = { id: "1", title: "was", updated_at: 7, old: 1 };
    expect(decide(meeting(base, source, { ...base, title: "edit" }), "target_wins")).toMatchObject({
      type: "none/update",
      row: { id: "1", title: "edit", updated_at: 7, colour: "red" },
    });
  });

  test("makes no conflict of an edit in a column that is gone", () => {
    const source = { id: "1", title: "was" };
    expect(decide(meeting({ ...source, old: 1 }, source, { ...source, old: 2 }), "manual").winner).toBe(
      "source",
    );
  });

  test("leaves them out of a row that the source has no more", () => {
    const edit = { id: "1", title: "edit", old: 2, _replica_odd: null };
    expect(decide(meeting(was, null, edit), "target_wins").row).toEqual({
      id: "1",
      title: "edit",
      _replica_odd: null,
    });
  });
});

test("columns named like what every object has are columns", () => {
  const base = JSON.parse('{"id":"1","constructor":"a","__proto__":"b"}') as RowImage;
  const edit = JSON.parse('{"id":"1","constructor":"c","__proto__":"d"}') as RowImage;
  const decision = decide(
    meeting(base, JSON.parse('{"id":"1","constructor":"e","__proto__":"b"}'), edit),
    "merge",
  );
  expect(Object.entries(decision.row ?? {})).toEqual([
    ["id", "1"],
    ["constructor", "e"],
    ["__proto__", "d"],
  ]);
});

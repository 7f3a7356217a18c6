import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decide,
  type Meeting,
  type RowImage,
  type Strategy,
} from "../../../../sync-runtime/node/conflict/decide.ts";
import { mergeRows } from "../../../../sync-runtime/node/conflict/merge.ts";
import { EDITED, EDITED_AT, meeting } from "./meetings.ts";

const ids = fc.constantFrom("a", "b", "c", "d", "e", "f");
const message = fc.record({
  parentId: fc.option(ids),
  childrenIds: fc.uniqueArray(ids, { maxLength: 3 }),
  content: fc.constantFrom("one", "two", "three"),
});
const messages = fc
  .dictionary(ids, message, { maxKeys: 5 })
  .map((byId) => Object.fromEntries(Object.entries(byId).map(([id, message]) => [id, { id, ...message }])));
const document = fc
  .record({ messages, currentId: fc.option(ids), tags: fc.uniqueArray(ids), list: fc.uniqueArray(ids) })
  .map(({ messages, currentId, tags, list }) => ({
    tags,
    history: { messages, currentId },
    messages: list.map((id) => messages[id] ?? { id }),
  }));

const stamp = fc.oneof(
  fc.integer({ min: -3600, max: 3600 }).map((seconds) => EDITED + seconds),
  fc.integer({ min: -3600, max: 3600 }).map((seconds) => `${EDITED + seconds}000000000`),
  fc.constantFrom(null, 0, "soon"),
);
const row = fc.record({
  id: fc.constant("1"),
  title: fc.constantFrom("one", "two", "three", null),
  pinned: fc.option(fc.boolean()),
  updated_at: stamp,
  meta: fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom(null, "not JSON", '{"tags":["a"]}', '{"tags":["b"]}'),
  ),
  chat: fc.oneof(
    { weight: 5, arbitrary: document.map((chat) => JSON.stringify(chat)) },
    { weight: 1, arbitrary: fc.constantFrom(null, "not JSON", "[]", '{"history":7}') },
  ),
});
/** Whichever may be gone, and often one is as the row was. */
const met: fc.Arbitrary<Meeting> = fc
  .tuple(fc.option(row), fc.option(row), fc.option(row), fc.constantFrom("none", "source", "remote"))
  .map(([base, source, remote, still]) =>
    meeting(base, still === "source" ? base : source, still === "remote" ? base : remote),
  );
const strategy = fc.constantFrom<Strategy>("newest_wins", "source_wins", "target_wins", "merge", "manual");
const runs = { numRuns: 400 };

test("the same meeting always ends the same way", () => {
  fc.assert(
    fc.property(met, strategy, (met, strategy) => {
      expect(decide(structuredClone(met), strategy)).toEqual(decide(met, strategy));
    }),
    runs,
  );
});

test("a decision lays a whole row of either side's columns, or none, and only where it says so", () => {
  fc.assert(
    fc.property(met, strategy, (met, strategy) => {
      const { winner, row } = decide(met, strategy);
      if (winner === "source" || winner === "pending") expect(row).toBeUndefined();
      else expect(row).toBeDefined();
      if (row) expect(Object.keys(row)).toEqual(Object.keys((met.source ?? met.remote) as object));
    }),
    runs,
  );
});

/** What the replica holds behind a decision. */
const outcome = (met: Meeting, strategy: Strategy): RowImage => {
  const { winner, row } = decide(met, strategy);
  return winner === "remote" || winner === "merged" ? (row ?? null) : met.source;
};

test("what a decision laid is not decided otherwise when it meets the same source again", () => {
  fc.assert(
    fc.property(met, strategy, (met, strategy) => {
      const laid = outcome(met, strategy);
      expect(outcome({ ...met, base: met.source, remote: laid }, strategy)).toEqual(laid);
    }),
    runs,
  );
});

// Against the base of before it need not be: where it comes to what that base was, it would look unchanged.
test("a merge is idempotent: laid over its source, or taken up by it, it is itself", () => {
  const side = fc.constantFrom("source", "remote");
  fc.assert(
    fc.property(row, row, row, side, (base, source, remote, newest) => {
      const met = meeting(base, source, remote);
      const merged = mergeRows(met, newest).row;
      expect(mergeRows({ ...met, base: source, remote: merged }, newest).row).toEqual(merged);
      expect(mergeRows({ ...met, base: source, source: merged, remote: merged }, newest).row).toEqual(merged);
    }),
    runs,
  );
});

const messageIds = (of: RowImage): { byId: string[]; listed: string[] } => {
  const chat = JSON.parse(of?.chat as string);
  return {
    byId: Object.keys(chat.history.messages),
    listed: chat.messages.map(({ id }: { id: string }) => id),
  };
};

test("a merge loses no message of either side, makes none up and has none twice", () => {
  const chatRow = fc.tuple(row, document).map(([row, chat]) => ({ ...row, chat: JSON.stringify(chat) }));
  fc.assert(
    fc.property(chatRow, chatRow, chatRow, (base, source, remote) => {
      fc.pre(base.chat !== source.chat && base.chat !== remote.chat);
      const merged = messageIds(outcome(meeting(base, source, remote), "merge"));
      const [theirs, edited] = [messageIds(source), messageIds(remote)];
      expect(new Set(merged.byId)).toEqual(new Set([...theirs.byId, ...edited.byId]));
      expect(merged.listed.toSorted()).toEqual([...new Set([...theirs.listed, ...edited.listed])].toSorted());
    }),
    runs,
  );
});

test("a row that both sides have is never deleted by a merge, nor is one merged out of nothing", () => {
  fc.assert(
    fc.property(met, (met) => {
      const merged = outcome(met, "merge");
      if (met.source && met.remote) expect(merged).not.toBeNull();
      if (!met.source && !met.remote) expect(merged).toBeNull();
    }),
    runs,
  );
});

test("the newest is the newest from either side", () => {
  const stamped = fc.tuple(row, fc.integer({ min: -3600, max: 3600 }), fc.constantFrom(1, 1000, 1_000_000));
  fc.assert(
    fc.property(row, stamped, stamped, (was, [one, early, unit], [other, late, scale]) => {
      fc.pre(early !== late);
      const base = { ...was, updated_at: EDITED - 7200 };
      const source = { ...one, updated_at: (EDITED + early) * unit };
      const remote = { ...other, updated_at: (EDITED + late) * scale };
      const winner = early > late ? source : remote;
      for (const met of [meeting(base, source, remote), meeting(base, remote, source)])
        expect(outcome({ ...met, editedAt: EDITED_AT }, "newest_wins")).toEqual(winner);
    }),
    runs,
  );
});

test("a row with values beside it stays one of the two", () => {
  const odd = row.map((row) => ({ ...row, _replica_odd: '{"title":"SQ=="}' }));
  fc.assert(
    fc.property(row, odd, row, fc.boolean(), (base, one, other, swapped) => {
      const met = swapped ? meeting(base, one, other) : meeting(base, other, one);
      const merged = outcome(met, "merge");
      expect([met.source, met.remote].map((row) => JSON.stringify({ _replica_odd: null, ...row }))).toContain(
        JSON.stringify({ _replica_odd: null, ...merged }),
      );
    }),
    runs,
  );
});

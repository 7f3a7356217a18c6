import { describe, expect, test } from "vitest";
import { mergeRows } from "../../../../sync-runtime/node/conflict/merge.ts";
import { meeting } from "./meetings.ts";

/** What a column of both sides becomes. */
const merged = (
  base: unknown,
  source: unknown,
  remote: unknown,
  column = "meta",
  newest = "source" as const,
) => mergeRows(meeting({ [column]: base }, { [column]: source }, { [column]: remote }), newest).row[column];

test("a field that one side changed is that side's", () => {
  const { row, changed } = mergeRows(
    meeting(
      { id: "1", title: "was", pinned: false, role: "user" },
      { id: "1", title: "source", pinned: false, role: "user" },
      { id: "1", title: "was", pinned: true, role: "user" },
    ),
    "source",
  );
  expect(row).toEqual({ id: "1", title: "source", pinned: true, role: "user" });
  expect(changed.map(({ column, of }) => [column, of])).toEqual([
    ["title", "source"],
    ["pinned", "remote"],
  ]);
});

test.each(["source", "remote"] as const)(
  "a field that both changed is the newest's, here of %s",
  (newest) => {
    const met = meeting({ title: "was" }, { title: "source" }, { title: "remote" });
    expect(mergeRows(met, newest).row).toEqual({ title: newest });
  },
);

describe("a document that both changed", () => {
  test.each<[string, string | null, string, string, string]>([
    ["has what each added", '{"a":1}', '{"a":1,"b":2}', '{"a":1,"c":3}', '{"a":1,"b":2,"c":3}'],
    ["lacks what each removed", '{"a":1,"b":2,"c":3}', '{"a":1,"b":2}', '{"a":1,"c":3}', '{"a":1}'],
    [
      "is merged deeply",
      '{"a":{"b":1,"c":1}}',
      '{"a":{"b":2,"c":1}}',
      '{"a":{"b":1,"c":2}}',
      '{"a":{"b":2,"c":2}}',
    ],
    [
      "has lists of scalars as a union",
      '{"t":["a"]}',
      '{"t":["a","b"]}',
      '{"t":["c","a"]}',
      '{"t":["a","b","c"]}',
    ],
    ["may be such a list", "[1]", "[1,2]", "[1,3]", "[1,2,3]"],
    ["has other lists of the newest", '[{"a":1}]', '[{"a":2}]', '[{"a":3}]', '[{"a":2}]'],
    ["has scalars of the newest", '{"a":1}', '{"a":2}', '{"a":3}', '{"a":2}'],
    ["was not there before", null, '{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
    ["was none before", "not JSON", '{"a":1}', '{"b":2}', '{"a":1,"b":2}'],
    ["is none on one side", '{"a":1}', "not JSON", '{"a":2}', "not JSON"],
    ["is SQL's null on one side, and not JSON's", '{"a":1}', "null", '{"a":2}', "null"],
    [
      "keeps numbers as they are written",
      "{}",
      '{"a":1.0,"b":1795291200000000001}',
      '{"c":1e2}',
      '{"a":1.0,"b":1795291200000000001,"c":1e2}',
    ],
    [
      "may have names that every object has",
      "{}",
      '{"__proto__":1}',
      '{"constructor":2}',
      '{"__proto__":1,"constructor":2}',
    ],
    [
      "stays a side's own text where it says the same",
      '{"a":1}',
      '{ "a" : 2 , "b" : 2 }',
      '{"a":1,"b":2}',
      '{ "a" : 2 , "b" : 2 }',
    ],
  ])("%s", (_, base, source, remote, result) => {
    expect(merged(base, source, remote)).toBe(result);
  });

  test("is the edit's own text where it says what both do", () => {
    expect(merged('{"a":1}', '{"a": 1}', '{ "a":2 }')).toBe('{ "a":2 }');
  });

  test("in a column of text is text", () => {
    expect(merged('{"a":1}', '{"a":1,"b":2}', '{"a":1,"c":3}', "title")).toBe('{"a":1,"b":2}');
  });
});

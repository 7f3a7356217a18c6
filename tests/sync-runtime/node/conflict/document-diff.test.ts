import { describe, expect, test } from "vitest";
import { documentDiff } from "../../../../sync-runtime/node/conflict/document-diff.ts";
import { parseDocument } from "../../../../sync-runtime/node/conflict/json-document.ts";

/** Where documents differ, as `path: base | source | remote | result`. */
function places(base: unknown, source: unknown, remote: unknown, result?: unknown, most = 100): string[] {
  const [before, theirs, edit, decided] = [base, source, remote, result].map((value) =>
    value === undefined ? undefined : parseDocument(JSON.stringify(value)),
  );
  const { paths, more } = documentDiff({ base: before, source: theirs, remote: edit, result: decided }, most);
  const lines = paths.map(
    ({ path, base, source, remote, result }) =>
      `${path}: ${[base, source, remote, result].map((shown) => shown?.text ?? "-").join(" | ")}`,
  );
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

describe("documents are compared by path:", () => {
  test.each<[string, string[], unknown, unknown, unknown, unknown?]>([
    ["the same", [], { a: 1 }, { a: 1 }, { a: 1 }],
    ["one member", ["b: 2 | 3 | 4 | -"], { a: 1, b: 2 }, { a: 1, b: 3 }, { a: 1, b: 4 }],
    [
      "one deep below",
      ["a.b.c: 1 | 1 | 2 | 2"],
      { a: { b: { c: 1 } } },
      { a: { b: { c: 1 } } },
      { a: { b: { c: 2 } } },
      { a: { b: { c: 2 } } },
    ],
    ["one that was added", ['a.n: - | - | {"x":1} | -'], { a: {} }, { a: {} }, { a: { n: { x: 1 } } }],
    ["one that was removed", ["a: 1 | - | 1 | -"], { a: 1 }, {}, { a: 1 }],
    ["JSON's null, which is not nothing", ["a: - | null | 1 | -"], {}, { a: null }, { a: 1 }],
    [
      "a list as one place",
      ["t: [1] | [1,2] | [1,3] | [1,2,3]"],
      { t: [1] },
      { t: [1, 2] },
      { t: [1, 3] },
      { t: [1, 2, 3] },
    ],
    [
      "a list of messages by their ids",
      ['m.x.c: "a" | "b" | "a" | -', 'm.y: - | - | {"id":"y"} | -'],
      { m: [{ id: "x", c: "a" }] },
      { m: [{ id: "x", c: "b" }] },
      { m: [{ id: "x", c: "a" }, { id: "y" }] },
    ],
    [
      "names that are no words",
      ['a["b c"]["d.e"]: 1 | 1 | 2 | -'],
      { a: { "b c": { "d.e": 1 } } },
      { a: { "b c": { "d.e": 1 } } },
      { a: { "b c": { "d.e": 2 } } },
    ],
    ["the whole of them", [": 1 | [2] | 3 | -"], 1, [2], 3],
    ["without a base", ["a: - | 1 | 2 | -"], undefined, { a: 1 }, { a: 2 }],
    ["only the decision is another", ["a: 1 | 1 | 1 | 2"], { a: 1 }, { a: 1 }, { a: 1 }, { a: 2 }],
  ])("%s", (_, lines, base, source, remote, result) => {
    expect(places(base, source, remote, result)).toEqual(lines);
  });
});

test("what is beyond a number of places is counted", () => {
  const numbers = (value: number) =>
    Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`n${n}`, value]));
  expect(places(numbers(1), numbers(1), numbers(2), undefined, 2)).toEqual([
    "n0: 1 | 1 | 2 | -",
    "n1: 1 | 1 | 2 | -",
    "and 5 more",
  ]);
});

test("names that every object has are names", () => {
  const [one, other] = ['{"__proto__":1,"constructor":1}', '{"__proto__":2}'].map(parseDocument);
  const { paths } = documentDiff({ base: one, source: one, remote: other, result: undefined }, 9);
  expect(paths.map(({ path, remote }) => [path, remote])).toEqual([
    ["__proto__", { text: "2", size: 1 }],
    ["constructor", null],
  ]);
});

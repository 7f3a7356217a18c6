import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonText, MAX_JSON_DEPTH } from "../../../sync-runtime/protocol/json-text.ts";

const accepts = (text: string) => isJsonText(Buffer.from(text));
const parses = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe("JSON text", () => {
  it("accepts any JSON, with any white space", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false, maxDepth: 3 }),
        fc.constantFrom(0, 2, "\t"),
        (value, space) => {
          expect(accepts(` \r\n${JSON.stringify(value, null, space)}\t`)).toBe(true);
        },
      ),
    );
  });

  it("agrees with JSON.parse on any string of JSON's characters", () => {
    const unit = fc.constantFrom(...'{}[],:"\\ \n0123456789.eE+-truefalsnu', "null", '"a"', "\\u00", "é");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (text) => accepts(text) === parses(text)),
      { numRuns: 5000 },
    );
  });

  it("agrees with JSON.parse on JSON with one character changed", () => {
    const mutation = fc.record({
      json: fc.json(),
      at: fc.nat(),
      by: fc.constantFrom(...'{}[],:"\\0-.e', ""),
    });
    fc.assert(
      fc.property(mutation, ({ json, at, by }) => {
        const place = at % json.length;
        const text = json.slice(0, place) + by + json.slice(place + 1);
        return accepts(text) === parses(text);
      }),
      { numRuns: 2000 },
    );
  });

  it("is found in the last bytes of a piece of memory, however few", () => {
    for (let length = 0; length <= 8; length++) {
      const memory = Buffer.from(new ArrayBuffer(13));
      const bytes = memory.subarray(memory.length - length);
      bytes.fill("1");
      expect(isJsonText(bytes)).toBe(length > 0);
    }
  });

  it("agrees with JSON.parse on a long string with something at any place, wherever its memory begins", () => {
    const plain = "Grüße, 漢字, and so on, for a while. ".repeat(2);
    const pieces = ["\n", "\x1f", "\\", '"', "\\u12g4", "\\\\", '\\"', " ", "!", "#", "[", "\x7f", "👋"];
    const disagreed: string[] = [];
    for (const piece of pieces)
      for (let at = 0; at <= plain.length; at++) {
        const text = `["${plain.slice(0, at)}${piece}${plain.slice(at)}", 1]`;
        const parsed = parses(text);
        for (let offset = 0; offset < 4; offset++) {
          const memory = Buffer.from("x".repeat(offset) + text).subarray(offset);
          if (isJsonText(memory) !== parsed) disagreed.push(`${offset} ${text}`);
        }
      }
    expect(disagreed).toEqual([]);
  });

  it.each([
    ["an escaped NUL, which Postgres' json keeps", '"\\u0000"', true],
    ["a lone surrogate's escape", '"\\ud800"', true],
    ["the same member twice", '{"a":1,"a":2}', true],
    ["a number beyond any type", `1${"0".repeat(400)}`, true],
    ["nothing", "", false],
    ["Python's NaN", '{"a": NaN}', false],
    ["a byte order mark", "\ufeff{}", false],
    ["a line break in a string", '"a\nb"', false],
    ["two values", "1 2", false],
    ["a trailing comma", "[1,]", false],
    ["an open array", "[1", false],
    ["brackets that do not match", "[1}", false],
  ])("judges %s", (_, text, expected) => {
    expect(accepts(text)).toBe(expected);
  });

  it("is refused beyond the depth that Postgres parses safely", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(accepts(nested(MAX_JSON_DEPTH))).toBe(true);
    expect(accepts(nested(MAX_JSON_DEPTH + 1))).toBe(false);
    expect(accepts(`[${"[],".repeat(10_000)}1]`)).toBe(true);
  });
});

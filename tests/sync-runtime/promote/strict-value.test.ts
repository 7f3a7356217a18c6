import { describe, expect, test } from "vitest";
import {
  digestForm,
  Refused,
  type StrictType,
  strictValue,
} from "../../../sync-runtime/promote/strict-value.ts";
import type { ColumnType } from "../../../sync-runtime/protocol/column-type.ts";
import type { RestoredValue } from "../../../sync-runtime/restore/copy-reader.ts";

const integer = (bytes: 2 | 4 | 8): StrictType => ({ kind: "integer", bytes });
const boolean: StrictType = { kind: "boolean" };
const double: StrictType = { kind: "double" };
const text: StrictType = { kind: "text" };
const json: StrictType = { kind: "json" };
const date: StrictType = { kind: "date" };
const timestamp: StrictType = { kind: "timestamp" };
const bytes: StrictType = { kind: "bytes" };

/** A value as a test writes it: a string is text, bytes are a blob. */
function converted(value: RestoredValue | string, type: StrictType, from: ColumnType = "text"): unknown {
  const isText = typeof value === "string";
  const found = strictValue(
    { value: isText ? Buffer.from(value, "latin1") : value, text: isText, from },
    type,
  );
  return found instanceof Refused ? found.why : (found?.toString("latin1") ?? null);
}

describe("a value becomes what the application reads as the same", () => {
  test.each<[string, RestoredValue | string, StrictType, string | null]>([
    ["nothing", null, json, null],
    ["one as true", 1n, boolean, "true"],
    ["nought as false", 0n, boolean, "false"],
    ["nanoseconds", 1763726400123456789n, integer(8), "1763726400123456789"],
    ["a real without a fraction as an integer", 5, integer(8), "5"],
    ["minus nought", -0, double, "-0"],
    ["the least number", 5e-324, double, "5e-324"],
    ["an infinity", Number.NEGATIVE_INFINITY, double, "-Infinity"],
    ["an integer as a double", 7n, double, "7"],
    ["an empty text", "", text, ""],
    ["JSON as it was written", '{"a":  1.0, "b": "\\u0000"}', json, '{"a":  1.0, "b": "\\u0000"}'],
    ["a bare integer of a JSON column", 12n, json, "12"],
    ["a bare real of a JSON column", 1.5, json, "1.5"],
    ["a date", "2025-11-21", date, "2025-11-21"],
    ["a moment", "2025-11-21 12:00:01.5", timestamp, "2025-11-21 12:00:01.500000"],
    ["a moment with a T", "2025-11-21T12:00:01", timestamp, "2025-11-21 12:00:01.000000"],
    ["a day as its beginning", "2024-02-29", timestamp, "2024-02-29 00:00:00.000000"],
    ["bytes", Buffer.of(0, 255), bytes, "\\x00ff"],
  ])("%s", (_, value, type, expected) => {
    expect(converted(value, type)).toBe(expected);
  });

  test("a bare number of a JSON column that Open WebUI keeps as text on Postgres", () => {
    expect(converted(5n, text, "json")).toBe("5");
  });
});

describe("a value is refused by the reason", () => {
  test.each<[string, RestoredValue | string, StrictType, string]>([
    ["another number than 0 and 1", 2n, boolean, "type"],
    ["a word for true", "true", boolean, "type"],
    ["a fraction", 1.5, integer(8), "type"],
    ["a real too large to be exact", 2 ** 53, integer(8), "type"],
    ["an integer that does not fit", 2n ** 31n, integer(4), "range"],
    ["an integer that no double is", 2n ** 63n - 1n, double, "type"],
    ["a number in a text column", 5n, text, "type"],
    ["bytes in a text column", Buffer.of(1), text, "type"],
    ["text in a column of bytes", "a", bytes, "type"],
    ["NUL", "a\0b", text, "nul"],
    ["bytes that are not UTF-8", "\xc3(", text, "encoding"],
    ["a text that is no JSON", "{NaN", json, "invalid-json"],
    ["JSON with NUL itself", '"\0"', json, "nul"],
    ["an infinity as JSON", Number.POSITIVE_INFINITY, json, "type"],
    ["bytes as JSON", Buffer.from("{}"), json, "type"],
    ["a date that would lose its time", "2025-11-21 12:00:00", date, "type"],
    ["a day that no month has", "2025-02-30", date, "range"],
    ["a 25th hour", "2025-02-03 25:00:00", timestamp, "range"],
    ["seconds since 1970 as a date and time", 1763726400n, timestamp, "type"],
  ])("%s", (_, value, type, expected) => {
    expect(converted(value, type)).toBe(expected);
  });

  test("characters are counted, not bytes", () => {
    const short: StrictType = { kind: "text", most: 2 };
    const characters = (value: string) => converted(Buffer.from(value).toString("latin1"), short);
    expect(characters("ä👋")).toBe(Buffer.from("ä👋").toString("latin1"));
    expect(characters("ä👋x")).toBe("too-long");
  });

  test("in words that hold nothing of the value", () => {
    const refused = strictValue({ value: Buffer.from("hunter22"), text: true, from: "text" }, integer(8));
    expect(refused).toEqual(new Refused("type", "a text where an integer belongs"));
  });
});

test("a double counts by its bytes, however it is written", () => {
  const written = strictValue({ value: 1e-7, text: false, from: "double precision" }, double) as Buffer;
  expect(digestForm(written, double).toString()).toBe("3e7ad7f29abcaf48");
});

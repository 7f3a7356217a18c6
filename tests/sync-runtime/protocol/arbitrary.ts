import fc from "fast-check";
import { RawText, type SqliteValue } from "../../../sync-runtime/protocol/value.ts";

/** Any value SQLite can hold, the awkward ones often. */
export const sqliteValue: fc.Arbitrary<SqliteValue> = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n),
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324),
  fc.string({ unit: "binary" }),
  fc.json(),
  fc.constantFrom("", "null", "a\0b", "\ufeff{}"),
  fc.uint8Array().map((bytes) => new RawText(bytes)),
  fc.uint8Array(),
);

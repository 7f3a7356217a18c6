import { expect, test } from "vitest";
import { compareStamps, stampAt, stampOf } from "../../../../sync-runtime/node/conflict/stamp.ts";

const MOMENT = Date.UTC(2026, 10, 21, 20, 0, 0);
const SECONDS = MOMENT / 1000;
const [second, millisecond, microsecond] = [1_000_000_000n, 1_000_000n, 1_000n];

test.each<[string, unknown, bigint]>([
  ["seconds", SECONDS, second],
  ["seconds as text", `${SECONDS}`, second],
  ["seconds as a real", SECONDS + 0.75, second],
  ["a real as text", `${SECONDS}.75`, second],
  ["milliseconds", SECONDS * 1e3, millisecond],
  ["microseconds", SECONDS * 1e6, microsecond],
  ["nanoseconds, which no number holds exactly", BigInt(SECONDS) * second, 1n],
  ["nanoseconds as text", `${SECONDS}000000000`, 1n],
  ["a moment as SQLAlchemy writes it", "2026-11-21 20:00:00", second],
  ["a moment with its fraction", "2026-11-21 20:00:00.000000", millisecond],
  ["a moment elsewhere", "2026-11-21T21:00:00+01:00", second],
])("%s tell the moment", (_, value, step) => {
  expect(stampOf(value)).toEqual({ at: BigInt(SECONDS) * second, step });
});

test.each([
  null,
  undefined,
  "",
  "soon",
  "2026-13-41",
  true,
  0,
  -1,
  "0",
  Number.NaN,
  Number.POSITIVE_INFINITY,
  {},
])("%s tells nothing", (value) => {
  expect(stampOf(value)).toBeUndefined();
});

test("the last of the seconds and the first of the milliseconds are far apart", () => {
  expect(stampOf(99_999_999_999)?.step).toBe(second);
  expect(stampOf(100_000_000_000)?.step).toBe(millisecond);
});

const stamp = (value: unknown) => stampOf(value) as NonNullable<ReturnType<typeof stampOf>>;

test.each<[string, unknown, unknown, number]>([
  ["nanoseconds of an hour before are earlier than seconds", `${SECONDS - 3600}000000000`, SECONDS, -1],
  ["seconds are earlier than milliseconds of a second later", SECONDS, (SECONDS + 1) * 1000, -1],
  ["what happened within one second cannot be told apart", SECONDS, SECONDS * 1000 + 900, 0],
  ["what happened within one microsecond, neither", SECONDS * 1e6, `${SECONDS}000000999`, 0],
  ["two of the same unit can", `${SECONDS}000000001`, `${SECONDS}000000000`, 1],
])("%s", (_, one, other, order) => {
  expect(compareStamps(stamp(one), stamp(other))).toBe(order);
  expect(compareStamps(stamp(other), stamp(one))).toBe(0 - order);
});

test("a clock's moment is one of milliseconds", () => {
  expect(stampAt(new Date(MOMENT + 5))).toEqual({ at: BigInt(MOMENT + 5) * millisecond, step: millisecond });
});

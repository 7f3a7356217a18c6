/** A moment as a row or a clock tells it. */
export interface Stamp {
  /** Nanoseconds since 1970. */
  at: bigint;
  /** Nanoseconds that one step of it is: it says nothing about what happened within a step. */
  step: bigint;
}

const [MICROSECOND, MILLISECOND, SECOND] = [1_000n, 1_000_000n, 1_000_000_000n];

/**
 * Open WebUI keeps seconds in most tables and nanoseconds in some (channel, message, note, calendar, automation, ...),
 * editors and older versions write milliseconds. Any moment between 1973 and 5138 has a number that only one unit makes
 * plausible: below 1e11 seconds, then by thousands.
 */
const UNITS: readonly { below: bigint; step: bigint }[] = [
  { below: 10n ** 11n, step: SECOND },
  { below: 10n ** 14n, step: MILLISECOND },
  { below: 10n ** 17n, step: MICROSECOND },
];

/** What a column's value says about time: a number in whatever unit, its text, or an ISO date. Undefined: nothing. */
export function stampOf(value: unknown): Stamp | undefined {
  if (typeof value === "bigint") return ofNumber(value);
  if (typeof value === "number")
    return Number.isFinite(value) ? ofNumber(BigInt(Math.floor(value))) : undefined;
  if (typeof value !== "string") return undefined;
  const number = /^(\d{1,19})(\.\d+)?$/.exec(value);
  return number ? ofNumber(BigInt(number[1] as string)) : ofDate(value);
}

/** The moment of a clock that counts milliseconds. */
export const stampAt = (moment: Date): Stamp => ({
  at: BigInt(moment.getTime()) * MILLISECOND,
  step: MILLISECOND,
});

/** Below zero when `one` is the earlier. Zero also when they cannot be told apart, within a step of the coarser one. */
export function compareStamps(one: Stamp, other: Stamp): number {
  const { step } = one.step > other.step ? one : other;
  const [a, b] = [one.at / step, other.at / step];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Zero and less are what a program writes that has no time to write. */
function ofNumber(number: bigint): Stamp | undefined {
  if (number <= 0n) return undefined;
  const step = UNITS.find(({ below }) => number < below)?.step ?? 1n;
  return { at: number * step, step };
}

/** SQLAlchemy's DATETIME has no zone and means UTC. */
const ISO_DATE = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/;

function ofDate(text: string): Stamp | undefined {
  const [, day, time = "00:00:00", fraction = "", zone = "Z"] = ISO_DATE.exec(text) ?? [];
  const moment = new Date(`${day}T${time}${fraction}${zone}`);
  if (Number.isNaN(moment.getTime())) return undefined;
  return { ...stampAt(moment), step: fraction ? MILLISECOND : SECOND };
}

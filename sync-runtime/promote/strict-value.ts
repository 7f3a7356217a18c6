import { isUtf8 } from "node:buffer";
import type { ColumnType } from "../protocol/column-type.ts";
import { isJsonText } from "../protocol/json-text.ts";
import type { RestoredValue } from "../restore/copy-reader.ts";

/** What a column of a strict table takes, as far as values are concerned. */
export type StrictType =
  | { kind: "boolean" | "double" | "json" | "date" | "timestamp" | "bytes" }
  | { kind: "integer"; bytes: 2 | 4 | 8 }
  /** `most` characters; undefined: any number. */
  | { kind: "text"; most?: number };

/** Why a value, or a row, cannot be in a strict table. */
export type Why =
  | "null"
  | "type"
  | "range"
  | "too-long"
  | "nul"
  | "encoding"
  | "invalid-json"
  | "duplicate"
  | "orphan"
  | "check";

/** A value that its column cannot take. The text says what kind of value was found, never the value. */
export class Refused {
  readonly why: Why;
  readonly found: string;

  constructor(why: Why, found: string) {
    this.why = why;
    this.found = found;
  }
}

/** A value of a replica: what it is in SQLite, and the type of the replica's column. */
export interface ReplicaValue {
  value: RestoredValue;
  /** Bytes that are text; else they are a blob. */
  text: boolean;
  from: ColumnType;
}

/**
 * The value as Postgres' text input takes it, unescaped, and as {@link digestForm} knows it; null where it is NULL.
 * Open WebUI reads the same from both: SQLAlchemy's booleans are 0 and 1 in SQLite, its moments ISO texts, and a bare
 * number in a JSON column is an integer there, since SQLite's NUMERIC affinity made it one.
 */
export function strictValue(given: ReplicaValue, type: StrictType): Buffer | null | Refused {
  const { value } = given;
  if (value === null) return null;
  switch (type.kind) {
    case "boolean":
      return value === 0n || value === 1n
        ? Buffer.from(value === 1n ? "true" : "false")
        : mismatch(given, "true or false");
    case "integer":
      return integer(given, type.bytes);
    case "double":
      if (typeof value === "number") return Buffer.from(Object.is(value, -0) ? "-0" : String(value));
      return typeof value === "bigint" && BigInt(Number(value)) === value
        ? Buffer.from(String(value))
        : mismatch(given, "a number");
    case "text":
      return text(given, type.most);
    case "json":
      return json(given);
    case "date":
    case "timestamp":
      return moment(given, type.kind);
    case "bytes":
      return value instanceof Uint8Array && !given.text
        ? Buffer.from(`\\x${Buffer.from(value).toString("hex")}`)
        : mismatch(given, "bytes");
  }
}

/** A value as row digests take it: as {@link strictValue} gave it, a double as the bytes of its number. */
export function digestForm(value: Buffer, type: StrictType): Buffer {
  if (type.kind !== "double") return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value.toString()));
  return Buffer.from(bytes.toString("hex"));
}

const WORDS = { bigint: "an integer", number: "a number with a fraction or an exponent" } as const;

function mismatch({ value, text }: ReplicaValue, wanted: string): Refused {
  const found =
    value instanceof Uint8Array ? (text ? "a text" : "bytes") : WORDS[typeof value as "bigint" | "number"];
  return new Refused("type", `${found} where ${wanted} belongs`);
}

/** An integer that may stand as a real or, in a column without affinity, as a text. */
function integer(given: ReplicaValue, bytes: 2 | 4 | 8): Buffer | Refused {
  const { value } = given;
  let found: bigint;
  if (typeof value === "bigint") found = value;
  else if (typeof value === "number" && Number.isSafeInteger(value)) found = BigInt(value);
  else return mismatch(given, "an integer");
  const bits = 8 * bytes;
  return BigInt.asIntN(bits, found) === found
    ? Buffer.from(String(found))
    : new Refused("range", `an integer that needs more than ${bits} bits`);
}

/** Text that Postgres can hold. */
function postgresText(bytes: Buffer): Buffer | Refused {
  if (!isUtf8(bytes)) return new Refused("encoding", "a text that is not UTF-8");
  return bytes.includes(0) ? new Refused("nul", "a text with the character NUL") : bytes;
}

const textOf = ({ value, text }: ReplicaValue): Buffer | undefined =>
  value instanceof Uint8Array && text
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : undefined;

function text(given: ReplicaValue, most: number | undefined): Buffer | Refused {
  // Open WebUI keeps JSON in some text columns; a bare number there became an integer in a file that says JSON.
  if (typeof given.value === "bigint" && given.from === "json") return Buffer.from(String(given.value));
  const bytes = textOf(given);
  if (!bytes) return mismatch(given, "a text");
  const found = postgresText(bytes);
  if (found instanceof Refused || most === undefined || bytes.length <= most) return found;
  const characters = [...bytes.toString()].length;
  return characters <= most
    ? found
    : new Refused("too-long", `a text of ${characters} characters where ${most} fit`);
}

function json(given: ReplicaValue): Buffer | Refused {
  const { value } = given;
  if (typeof value === "bigint") return Buffer.from(String(value));
  if (typeof value === "number" && Number.isFinite(value)) return Buffer.from(JSON.stringify(value));
  const bytes = textOf(given);
  if (!bytes) return mismatch(given, "JSON");
  const found = postgresText(bytes);
  if (found instanceof Refused) return found;
  return isJsonText(bytes) ? bytes : new Refused("invalid-json", "a text that is not JSON");
}

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?$/;

/** What SQLAlchemy and SQLite's CURRENT_TIMESTAMP write: an ISO date, or one with a time without a zone behind it. */
function moment(given: ReplicaValue, kind: "date" | "timestamp"): Buffer | Refused {
  const wanted = kind === "date" ? "a date" : "a date and time";
  const [, year, month, day, hour, minute = "00", second = "00", fraction = ""] =
    MOMENT.exec(textOf(given)?.toString("latin1") ?? "") ?? [];
  // A date would silently lose its time; Open WebUI cannot read such a date from SQLite either.
  if (year === undefined || (kind === "date" && hour !== undefined))
    return mismatch(given, `${wanted} in ISO form`);
  const date = `${year}-${month}-${day}`;
  const instant = new Date(`${date}T${hour ?? "00"}:${minute}:${second}Z`);
  const real = !Number.isNaN(instant.valueOf()) && instant.toISOString().startsWith(date) && year !== "0000";
  if (!real) return new Refused("range", "a date that is in no calendar");
  if (kind === "date") return Buffer.from(date);
  return Buffer.from(`${date} ${hour ?? "00"}:${minute}:${second}.${fraction.padEnd(6, "0")}`);
}

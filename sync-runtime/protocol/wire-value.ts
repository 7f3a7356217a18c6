import { RawText, type SqliteValue } from "./value.ts";

/** A SQLite value in JSON, without loss; one member says its storage class. */
export type WireValue =
  | null
  | { integer: string }
  /** Its float64be in hex: a decimal would lose -0.0 and the infinities. */
  | { real: string }
  | { text: string }
  /** Text that is not valid UTF-8, its bytes in base64. */
  | { textBytes: string }
  /** In base64. */
  | { blob: string };

/** A value in the form in which it is sent. Text that is valid UTF-8 goes as text. */
export function toWire(value: SqliteValue): WireValue {
  if (value === null) return null;
  if (typeof value === "bigint") return { integer: value.toString() };
  if (typeof value === "number") return { real: realHex(value) };
  if (typeof value === "string" && value.isWellFormed()) return { text: value };
  if (typeof value === "string") return textOf(Buffer.from(value));
  if (value instanceof RawText) return textOf(Buffer.from(value.bytes));
  return { blob: Buffer.from(value).toString("base64") };
}

/** A value as programs handle it. */
export function fromWire(value: WireValue): SqliteValue {
  if (value === null) return null;
  if ("integer" in value) return BigInt(value.integer);
  if ("real" in value) return realOf(value.real);
  if ("text" in value) return value.text;
  if ("textBytes" in value) return new RawText(Buffer.from(value.textBytes, "base64"));
  return Buffer.from(value.blob, "base64");
}

function textOf(bytes: Buffer): WireValue {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? { text } : { textBytes: bytes.toString("base64") };
}

function realHex(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
}

/** The number whose float64be is `hex`. */
export const realOf = (hex: string): number => Buffer.from(hex, "hex").readDoubleBE();

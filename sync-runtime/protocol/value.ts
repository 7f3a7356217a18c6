/**
 * The canonical bytes of one SQLite value: a tag byte for the storage class, then the value, so that equal bytes mean
 * an equal value of the same class and nothing else does (integer 1 and real 1.0 differ, so do -0.0 and 0.0).
 */
export const ValueTag = {
  /** `N` */
  null: 0x4e,
  /** `I` + int64be */
  integer: 0x49,
  /** `R` + float64be */
  real: 0x52,
  /** `T` + u32be byte length + bytes, which need not be valid UTF-8 */
  text: 0x54,
  /** `B` + u32be byte length + bytes */
  blob: 0x42,
} as const;
export type ValueTag = (typeof ValueTag)[keyof typeof ValueTag];

/** Text whose bytes are not (or not known to be) valid UTF-8. */
export class RawText {
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** A value as programs handle it: bigint is integer, number is real, string or {@link RawText} text, bytes a blob. */
export type SqliteValue = null | bigint | number | string | RawText | Uint8Array;

/** Bytes that are not canonical values. */
export class ValueError extends Error {
  override name = "ValueError";
  readonly code = "value-malformed";

  constructor(found: string) {
    super(`The rows cannot be read: ${found}. Nothing of the stream is used; the sync is tried again.`);
  }
}

/** The canonical bytes of a value. */
export function encodeValue(value: SqliteValue): Buffer {
  if (value === null) return Buffer.of(ValueTag.null);
  if (typeof value === "bigint") {
    const bytes = Buffer.allocUnsafe(9);
    bytes.writeUInt8(ValueTag.integer, 0);
    bytes.writeBigInt64BE(value, 1);
    return bytes;
  }
  if (typeof value === "number") {
    const bytes = Buffer.allocUnsafe(9);
    bytes.writeUInt8(ValueTag.real, 0);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === "string") return encodeBytes(ValueTag.text, Buffer.from(value));
  if (value instanceof RawText) return encodeBytes(ValueTag.text, value.bytes);
  return encodeBytes(ValueTag.blob, value);
}

function encodeBytes(tag: ValueTag, bytes: Uint8Array): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.writeUInt8(tag, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/**
 * Walks canonical values that stand one after another without copying them. After {@link next} the value is
 * `bytes[start..end)` and what follows its tag (and length) is `bytes[payload..end)`.
 */
export class ValueCursor {
  readonly bytes: Buffer;
  tag: ValueTag = ValueTag.null;
  start = 0;
  payload = 0;
  end = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Steps to the next value; false at the end of the bytes. */
  next(): boolean {
    if (this.end === this.bytes.length) return false;
    this.start = this.end;
    const tag = this.bytes[this.start];
    switch (tag) {
      case ValueTag.null:
        this.#stepTo(this.start + 1, 0);
        break;
      case ValueTag.integer:
      case ValueTag.real:
        this.#stepTo(this.start + 1, 8);
        break;
      case ValueTag.text:
      case ValueTag.blob:
        if (this.start + 5 > this.bytes.length) throw new ValueError("a value ends within its length");
        this.#stepTo(this.start + 5, this.bytes.readUInt32BE(this.start + 1));
        break;
      default:
        throw new ValueError(`no storage class has the tag ${tag}`);
    }
    this.tag = tag;
    return true;
  }

  /** What follows the tag (and the length) of the current value. A view, not a copy. */
  get content(): Buffer {
    return this.bytes.subarray(this.payload, this.end);
  }

  /** The current value with its tag, as it was sent. A view, not a copy. */
  get canonical(): Buffer {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The current value as programs handle it. */
  value(): SqliteValue {
    switch (this.tag) {
      case ValueTag.null:
        return null;
      case ValueTag.integer:
        return this.bytes.readBigInt64BE(this.payload);
      case ValueTag.real:
        return this.bytes.readDoubleBE(this.payload);
      case ValueTag.text:
        return new RawText(this.content);
      case ValueTag.blob:
        return this.content;
    }
  }

  #stepTo(payload: number, length: number): void {
    if (payload + length > this.bytes.length)
      throw new ValueError("a value is longer than the frame it stands in");
    this.payload = payload;
    this.end = payload + length;
  }
}

/**
 * The deepest nesting taken as JSON. Postgres' parser recurses and stops at its stack limit (some thousand levels
 * with the default of 2 MB); Open WebUI nests about ten levels.
 */
export const MAX_JSON_DEPTH = 500;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LETTER_U = 0x75;
/** 1 for bytes that may follow a backslash. */
const ESCAPABLE = Uint8Array.from(
  { length: 256 },
  (_, byte) => +'"\\/bfnrtu'.includes(String.fromCharCode(byte)),
);
const LITERALS = ["true", "false", "null"].map((word) => Buffer.from(word));

const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number | undefined) =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);

/**
 * Whether bytes of valid UTF-8 are JSON that Postgres' `json` type takes: one value by RFC 8259 at most
 * {@link MAX_JSON_DEPTH} deep. That type keeps the text as it is, and checks `\u` escapes by their form alone, so
 * `\u0000` and lone surrogates pass. Nothing is built in memory: a chat of 36 MB costs no more than a walk over it.
 */
export function isJsonText(bytes: Buffer): boolean {
  const text = new Text(bytes);
  /** Closing brackets still owed, innermost last. */
  const open: number[] = [];
  let at = skipSpace(bytes, 0);
  for (;;) {
    // A value is due here.
    const byte = bytes[at];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      const close = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
      if (open.push(close) > MAX_JSON_DEPTH) return false;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== close) {
        if (close === CLOSE_OBJECT) at = skipName(text, at);
        if (at < 0) return false;
        continue;
      }
    } else {
      at = skipScalar(text, at);
      if (at < 0) return false;
      at = skipSpace(bytes, at);
    }
    // A value ended: its container goes on or ends as well.
    while (open.length > 0 && bytes[at] === open.at(-1)) {
      open.pop();
      at = skipSpace(bytes, at + 1);
    }
    if (open.length === 0) return at === bytes.length;
    if (bytes[at] !== COMMA) return false;
    at = skipSpace(bytes, at + 1);
    if (open.at(-1) === CLOSE_OBJECT) at = skipName(text, at);
    if (at < 0) return false;
  }
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (isSpace(bytes[at])) at++;
  return at;
}

/** Behind an object member's name and its colon, where the value is due; -1 if there is none. */
function skipName(text: Text, from: number): number {
  const { bytes } = text;
  const end = bytes[from] === QUOTE ? skipString(text, from) : -1;
  if (end < 0) return -1;
  const colon = skipSpace(bytes, end);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : -1;
}

/** Behind a string, number or literal; -1 if there is none. */
function skipScalar(text: Text, from: number): number {
  const { bytes } = text;
  const byte = bytes[from];
  if (byte === QUOTE) return skipString(text, from);
  if (byte === 0x2d || isDigit(byte)) return skipNumber(bytes, from);
  const literal = LITERALS.find((word) => word[0] === byte);
  return literal?.every((letter, place) => bytes[from + place] === letter) ? from + literal.length : -1;
}

function skipString(text: Text, from: number): number {
  const { bytes } = text;
  for (let at = text.skipPlain(from + 1); at < bytes.length; at = text.skipPlain(at + 1)) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -1;
    if (byte !== BACKSLASH) continue;
    const escaped = bytes[++at];
    if (escaped === undefined || !ESCAPABLE[escaped]) return -1;
    if (escaped === LETTER_U) for (let digit = 0; digit < 4; digit++) if (!isHex(bytes[++at])) return -1;
  }
  return -1;
}

/** Bytes that are looked at four at a time where nothing in them matters: chats are mostly the insides of strings. */
class Text {
  readonly bytes: Buffer;
  /** Whole, aligned words of {@link bytes}; the first begins at {@link #shift}. */
  readonly #words: Int32Array;
  readonly #shift: number;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#shift = -bytes.byteOffset & 3;
    const words = Math.max(0, bytes.length - this.#shift) >> 2;
    // The place of the first word may lie behind the memory's end, where there is none.
    this.#words =
      words === 0 ? new Int32Array(0) : new Int32Array(bytes.buffer, bytes.byteOffset + this.#shift, words);
  }

  /** From somewhere in a string on, the next place that is not the inside of a plain word of it. */
  skipPlain(at: number): number {
    if ((at - this.#shift) & 3) return at;
    let word = (at - this.#shift) >> 2;
    while (word < this.#words.length && isPlain(this.#words[word] as number)) word++;
    return this.#shift + 4 * word;
  }
}

/**
 * Whether none of a word's four bytes is a quote, a backslash or below a space: a byte that is less than another
 * borrows from its highest bit (Bit Twiddling Hacks, "Determine if a word has a byte less than n").
 */
const isPlain = (word: number): boolean =>
  (((word - 0x20202020) | ((word ^ 0x22222222) - 0x01010101) | ((word ^ 0x5c5c5c5c) - 0x01010101)) &
    ~word &
    HIGHEST_BITS) ===
  0;
const HIGHEST_BITS = 0x80808080 | 0;

function skipNumber(bytes: Buffer, from: number): number {
  let at = bytes[from] === 0x2d ? from + 1 : from;
  if (bytes[at] === 0x30) at++;
  else if (isDigit(bytes[at])) at = skipDigits(bytes, at);
  else return -1;
  if (bytes[at] === 0x2e) {
    if (!isDigit(bytes[at + 1])) return -1;
    at = skipDigits(bytes, at + 1);
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at++;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++;
    if (!isDigit(bytes[at])) return -1;
    at = skipDigits(bytes, at);
  }
  return at;
}

function skipDigits(bytes: Buffer, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at++;
  return at;
}

import { ValueTag } from "../protocol/value.ts";

/** Where a column's value is in a record, https://sqlite.org/fileformat2.html#record_format. */
export interface RecordColumn {
  /** Its place among the stored values; -1 for the column that is the rowid itself. */
  field: number;
  /** Whether integers in it are meant as reals: that is how SQLite stores whole numbers in a REAL column. */
  real: boolean;
}

/** Bytes of the values of serial types 0 to 9; 10 and 11 are nobody's. */
const FIXED_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];
const NULL = 0;
const REAL = 7;
const ZERO = 8;
const ONE = 9;
const FIRST_BLOB = 12;

/**
 * Reads the records of one table into canonical values without making an object of any: much faster than having SQLite
 * hand out every value. It knows the rules by which SQLite reads a stored value, and where it does not, such as a row
 * that is older than its last column, it says so and SQLite is asked. One record at a time.
 */
export class RecordReader {
  readonly #columns: readonly RecordColumn[];
  readonly #fields: number;
  readonly #types: number[];
  readonly #starts: number[];
  #bytes: Buffer = Buffer.alloc(0);
  /** Canonical bytes of the record. */
  bytes = 0;
  /** Of the record; a bigint where a number would not be exact. */
  rowid: number | bigint = 0;

  constructor(columns: readonly RecordColumn[]) {
    this.#columns = columns;
    this.#fields = 1 + Math.max(...columns.map(({ field }) => field));
    this.#types = new Array(this.#fields).fill(0);
    this.#starts = new Array(this.#fields).fill(0);
  }

  /** Looks at the record in `bytes` from `at` on; false when SQLite has to be asked. */
  open(bytes: Buffer, at: number, length: number, rowid: number | bigint): boolean {
    this.#bytes = bytes;
    this.rowid = rowid;
    const end = at + length;
    let head = at;
    let headEnd = 0;
    {
      const byte = bytes[head++] as number;
      if (byte < 0x80) headEnd = at + byte;
      else {
        const next = bytes[head++] as number;
        // A header beyond 16 KB is longer than 500 columns need.
        if (next >= 0x80) return false;
        headEnd = at + ((byte & 0x7f) << 7) + next;
      }
    }
    // Written so that what is no number, of a file that changed beneath us, is refused as well.
    if (!(headEnd <= end)) return false;
    let start = headEnd;
    for (let field = 0; field < this.#fields; field++) {
      if (head >= headEnd) return false;
      let type = bytes[head++] as number;
      if (type >= 0x80) {
        type &= 0x7f;
        for (let more = 0; ; more++) {
          const byte = bytes[head++] as number;
          if (more === 4) return false;
          type = type * 128 + (byte & 0x7f);
          if (byte < 0x80) break;
        }
      }
      if (type === 10 || type === 11) return false;
      this.#types[field] = type;
      this.#starts[field] = start;
      start += type < FIRST_BLOB ? (FIXED_BYTES[type] as number) : Math.floor((type - FIRST_BLOB) / 2);
    }
    if (!(head <= headEnd && start <= end)) return false;
    this.bytes = this.#canonicalBytes();
    return true;
  }

  #canonicalBytes(): number {
    let total = 0;
    for (const { field } of this.#columns) {
      const type = field < 0 ? ONE : (this.#types[field] as number);
      if (type === NULL || (type === REAL && this.#isNaN(field))) total += 1;
      else if (type < FIRST_BLOB) total += 9;
      else total += 5 + Math.floor((type - FIRST_BLOB) / 2);
    }
    return total;
  }

  /** SQLite reads a stored NaN as NULL. */
  #isNaN = (field: number): boolean => Number.isNaN(this.#bytes.readDoubleBE(this.#starts[field]));

  /**
   * Writes the canonical values one behind the other and gives the place behind them.
   * @param bounds is told where each begins, and where the last one ends
   */
  write(into: Buffer, from: number, bounds: number[]): number {
    let at = from;
    for (let column = 0; column < this.#columns.length; column++) {
      bounds[column] = at;
      const { field, real } = this.#columns[column] as RecordColumn;
      at = field < 0 ? writeRowid(into, at, this.rowid) : this.#writeField(into, at, field, real);
    }
    bounds[this.#columns.length] = at;
    return at;
  }

  #writeField(into: Buffer, at: number, field: number, real: boolean): number {
    const type = this.#types[field] as number;
    const start = this.#starts[field] as number;
    if (type >= FIRST_BLOB) {
      const length = Math.floor((type - FIRST_BLOB) / 2);
      into[at] = type % 2 === 0 ? ValueTag.blob : ValueTag.text;
      into.writeUInt32BE(length, at + 1);
      this.#bytes.copy(into, at + 5, start, start + length);
      return at + 5 + length;
    }
    if (type === NULL || (type === REAL && this.#isNaN(field))) {
      into[at] = ValueTag.null;
      return at + 1;
    }
    if (type === REAL) {
      into[at] = ValueTag.real;
      this.#bytes.copy(into, at + 1, start, start + 8);
      return at + 9;
    }
    if (real) {
      into[at] = ValueTag.real;
      return into.writeDoubleBE(Number(this.#integer(type, start)), at + 1);
    }
    into[at] = ValueTag.integer;
    this.#writeInteger(into, at + 1, type, start);
    return at + 9;
  }

  /** Extends the sign of a stored integer to 64 bits. */
  #writeInteger(into: Buffer, at: number, type: number, start: number): void {
    if (type === ZERO || type === ONE) {
      into.fill(0, at, at + 8);
      into[at + 7] = type - ZERO;
      return;
    }
    const length = FIXED_BYTES[type] as number;
    const first = this.#bytes[start] as number;
    into.fill(first >= 0x80 ? 0xff : 0, at, at + 8 - length);
    this.#bytes.copy(into, at + 8 - length, start, start + length);
  }

  #integer(type: number, start: number): bigint {
    const bytes = Buffer.alloc(8);
    this.#writeInteger(bytes, 0, type, start);
    return bytes.readBigInt64BE(0);
  }

  /** Per column the parts of its canonical bytes; long values are views, not copies. */
  pieces(): Uint8Array[][] {
    return this.#columns.map(({ field, real }) => {
      const type = field < 0 ? ONE : (this.#types[field] as number);
      if (type < FIRST_BLOB) {
        const short = Buffer.alloc(9);
        const end = field < 0 ? writeRowid(short, 0, this.rowid) : this.#writeField(short, 0, field, real);
        return [short.subarray(0, end)];
      }
      const length = Math.floor((type - FIRST_BLOB) / 2);
      const start = this.#starts[field] as number;
      const head = Buffer.of(type % 2 === 0 ? ValueTag.blob : ValueTag.text, 0, 0, 0, 0);
      head.writeUInt32BE(length, 1);
      return [head, this.#bytes.subarray(start, start + length)];
    });
  }
}

function writeRowid(into: Buffer, at: number, rowid: number | bigint): number {
  into[at] = ValueTag.integer;
  if (typeof rowid === "bigint") return into.writeBigInt64BE(rowid, at + 1);
  into.writeUInt32BE(Math.floor(rowid / 2 ** 32), at + 1);
  return into.writeUInt32BE(rowid % 2 ** 32, at + 5);
}

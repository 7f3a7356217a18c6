import type { ColumnType } from "../protocol/column-type.ts";
import { isRepresentable } from "../protocol/representable.ts";
import { ValueCursor, ValueError, ValueTag } from "../protocol/value.ts";

/** One column of a replica's table, in the order in which COPY takes them. */
export interface ReplicaColumn {
  name: string;
  type: ColumnType;
}

/** What a binary COPY begins with: signature, no flags, no extension. */
export const COPY_HEAD = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
/** What ends it: a row of -1 fields. */
export const COPY_TAIL = Buffer.from([0xff, 0xff]);

/** Values at least this long are handed on as views of the frame instead of being copied. */
const VIEW_BYTES = 16 * 1024;
/** Up to here it takes longer to call for a copy than to copy. */
const CALL_BYTES = 32;
/** The version byte that a jsonb in binary begins with. */
const JSONB_VERSION = Buffer.from([1]);

/**
 * Turns canonical rows into rows of a binary COPY: first `_replica_odd`, then the table's columns. A value that
 * Postgres cannot hold in its column is NULL there and stands in `_replica_odd` as hex of its canonical bytes.
 */
export class CopyRows {
  readonly #names: readonly string[];
  /** For each column of the source, the type it has in the replica. */
  readonly #types: ColumnType[];
  /** For each column of the replica, its place in the source's rows. */
  readonly #places: { place: number; type: ColumnType }[];
  readonly #payloads: Uint32Array;
  readonly #ends: Uint32Array;
  /** 1 where the value is NULL in its column. */
  readonly #nulls: Uint8Array;
  #rows = 0;
  #oddRows = 0;

  /**
   * @param source names of the columns in the order in which rows carry them
   * @param replica the table's columns as `define_tables` returned them: the same names, in the replica's order
   */
  constructor(source: readonly string[], replica: readonly ReplicaColumn[]) {
    this.#names = source;
    const byName = new Map(replica.map(({ name, type }) => [name, type]));
    const placeOf = new Map(source.map((name, place) => [name, place]));
    this.#types = source.map((name) => required(byName.get(name), name));
    this.#places = replica.map(({ name, type }) => ({ place: required(placeOf.get(name), name), type }));
    this.#payloads = new Uint32Array(source.length);
    this.#ends = new Uint32Array(source.length);
    this.#nulls = new Uint8Array(source.length);
  }

  /** Rows encoded so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Of those: rows with a value that its column cannot hold. */
  get oddRows(): number {
    return this.#oddRows;
  }

  /** The rows of one frame, as buffers to be sent one after another. Large ones are views of `frame`. */
  encode(frame: Buffer): Buffer[] {
    const output = new Output();
    const cursor = new ValueCursor(frame);
    while (cursor.end < frame.length) {
      const odd = this.#readRow(cursor);
      output.int16(this.#places.length + 1);
      if (odd) output.field(oddField(odd));
      else output.null();
      for (const { place, type } of this.#places) {
        if (this.#nulls[place]) output.null();
        else output.field(frame, this.#start(place, type), this.#ends[place]);
      }
      this.#rows++;
    }
    return output.end();
  }

  /** Notes where each value of the next row stands; returns those that do not fit their columns, if any. */
  #readRow(cursor: ValueCursor): Record<string, string> | undefined {
    let odd: Record<string, string> | undefined;
    for (let place = 0; place < this.#types.length; place++) {
      if (!cursor.next()) throw new ValueError("a row ends before its last column");
      const fits = isRepresentable(this.#types[place] as ColumnType, cursor);
      if (!fits) {
        odd ??= Object.create(null) as Record<string, string>;
        odd[this.#names[place] as string] = cursor.canonical.toString("hex");
      }
      this.#payloads[place] = cursor.payload;
      this.#ends[place] = cursor.end;
      this.#nulls[place] = Number(!fits || cursor.tag === ValueTag.null);
    }
    if (odd) this.#oddRows++;
    return odd;
  }

  /** Where a value as Postgres receives it in binary begins; integers, reals and bytes stand so in the frame. */
  #start(place: number, type: ColumnType): number {
    // A boolean is one byte: the last of the integer 0 or 1.
    return type === "boolean" ? (this.#ends[place] as number) - 1 : (this.#payloads[place] as number);
  }
}

const oddField = (odd: Record<string, string>): Buffer =>
  Buffer.concat([JSONB_VERSION, Buffer.from(JSON.stringify(odd))]);

function required<T>(found: T | undefined, name: string): T {
  if (found === undefined)
    throw new RangeError(`Column ${name} is not both in the source's rows and in the replica.`);
  return found;
}

/** Collects what is written into few buffers without copying large values. */
class Output {
  readonly #done: Buffer[] = [];
  #chunk = Buffer.allocUnsafe(4 * VIEW_BYTES);
  #filled = 0;

  int16(value: number): void {
    this.#reserve(2);
    this.#filled = this.#chunk.writeInt16BE(value, this.#filled);
  }

  /** A field that is NULL. */
  null(): void {
    this.#length(-1);
  }

  /** A field that is `bytes[start..end)`. Without a view of its own: a database has millions of small ones. */
  field(bytes: Buffer, start = 0, end = bytes.length): void {
    const length = end - start;
    this.#length(length);
    if (length >= VIEW_BYTES) {
      this.#flush();
      this.#done.push(bytes.subarray(start, end));
      return;
    }
    this.#reserve(length);
    if (length > CALL_BYTES) bytes.copy(this.#chunk, this.#filled, start, end);
    else for (let at = 0; at < length; at++) this.#chunk[this.#filled + at] = bytes[start + at] as number;
    this.#filled += length;
  }

  end(): Buffer[] {
    this.#flush();
    return this.#done;
  }

  #length(bytes: number): void {
    this.#reserve(4);
    this.#filled = this.#chunk.writeInt32BE(bytes, this.#filled);
  }

  #reserve(bytes: number): void {
    if (this.#filled + bytes <= this.#chunk.length) return;
    this.#flush();
    if (this.#chunk.length < VIEW_BYTES) this.#chunk = Buffer.allocUnsafe(4 * VIEW_BYTES);
  }

  #flush(): void {
    if (this.#filled > 0) this.#done.push(this.#chunk.subarray(0, this.#filled));
    this.#chunk = this.#chunk.subarray(this.#filled);
    this.#filled = 0;
  }
}

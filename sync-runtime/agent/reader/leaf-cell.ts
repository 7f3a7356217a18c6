/** https://sqlite.org/fileformat2.html#b_tree_pages */
export const LEAF_HEAD_BYTES = 8;
/** Page 1 begins with the database's header. */
export const FIRST_PAGE_OFFSET = 100;

/** One row's cell on a leaf of a table. */
export interface LeafCell {
  /** Bytes of the row. Beyond 2^53 not exact, only large. */
  payload: number;
  /** A bigint where a number would not be exact. */
  rowid: number | bigint;
  /** Where the row's bytes begin on the page. */
  at: number;
  /** How many of them are there; the others are on overflow pages, the number of the first of which follows. */
  local: number;
}

/** The only one, given anew by every call: a table has millions. */
const cell: LeafCell = { payload: 0, rowid: 0, at: 0, local: 0 };

/** Reads the cell at a place of a page; valid until the next call. */
export function cellOf(page: Buffer, from: number, usable: number): LeafCell {
  let at = from;
  let payload = 0;
  for (;;) {
    const byte = page[at++] ?? 0;
    if (at - from === 9) {
      payload = payload * 256 + byte;
      break;
    }
    payload = payload * 128 + (byte & 0x7f);
    if (byte < 0x80) break;
  }
  const rowidAt = at;
  let rowid = 0;
  for (;;) {
    const byte = page[at++] ?? 0;
    rowid = rowid * 128 + (byte & 0x7f);
    if (byte < 0x80 || at - rowidAt === 9) break;
  }
  cell.payload = payload;
  // Seven bytes hold 49 bits; nine are a negative or very large number.
  cell.rowid = at - rowidAt <= 7 ? rowid : wideRowid(page, rowidAt, at);
  cell.at = at;
  cell.local = localBytes(payload, usable);
  return cell;
}

/** How much of a payload is on the leaf itself. */
function localBytes(payload: number, usable: number): number {
  const most = usable - 35;
  if (payload <= most) return payload;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const fitting = least + ((payload - least) % (usable - 4));
  return fitting <= most ? fitting : least;
}

/** A varint of 64 bits with a sign. */
function wideRowid(page: Buffer, from: number, end: number): bigint {
  let value = 0n;
  for (let at = from; at < end; at++) {
    const byte = BigInt(page[at] ?? 0);
    value = at - from === 8 ? (value << 8n) | byte : (value << 7n) | (byte & 0x7fn);
  }
  return BigInt.asIntN(64, value);
}

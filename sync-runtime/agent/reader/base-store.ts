import { createHash } from "node:crypto";
import { fstatSync, readSync } from "node:fs";
import { DIGEST_BYTES } from "../../protocol/row-digest.ts";
import { DigestSet } from "./digest-set.ts";
import { GrowingList } from "./growing-list.ts";
import type { EarlierPages } from "./page-changes.ts";
import {
  RECORD_HEAD_BYTES,
  STORE_MAGIC,
  type StoredTable,
  type StoreFooter,
  TRAILER_BYTES,
} from "./store-format.ts";
import type { StoreWriter } from "./store-writer.ts";
import type { KnownLeaves } from "./table-tree.ts";

const WINDOW_BYTES = 256 * 1024;
const SUM_BYTES = 32;

/** A table of a store, with its records in the order of the file. */
interface BaseTable extends StoredTable {
  /** From 1. */
  number: number;
  records: StoredRecord[];
}

/** Some rows of a table: a leaf's, or with page 0 of one that is read row by row. */
interface StoredRecord {
  at: number;
  page: number;
  rows: number;
  digestsAt: number;
  end: number;
}

/** The store of the snapshot that the replica holds: what a new snapshot is compared with. */
export class BaseStore {
  readonly #fd: number;
  readonly #footer: StoreFooter;
  readonly #tables = new Map<string, BaseTable>();
  readonly #window: Window;
  /** Per page of the snapshot. The number of the table whose leaf it is, or 0. */
  readonly #tableOf: Uint16Array;
  readonly #rowsOf: Uint32Array;
  /** The leaf whose rows go on there, or 0. */
  readonly #owner: Uint32Array;
  readonly #overflow = GrowingList.ofUint32();
  readonly #overflowFrom: Uint32Array;
  readonly #overflowCount: Uint32Array;

  /** Opens a store, checking all of it; undefined when it is not the whole store of that sync. */
  static open(fd: number, sync: string): BaseStore | undefined {
    try {
      const footer = readFooter(fd);
      return footer?.sync === sync ? new BaseStore(fd, footer) : undefined;
    } catch {
      return undefined;
    }
  }

  private constructor(fd: number, footer: StoreFooter) {
    this.#fd = fd;
    this.#footer = footer;
    this.#window = new Window(fd);
    const pages = (footer.pages?.pages ?? 0) + 1;
    this.#tableOf = new Uint16Array(pages);
    this.#rowsOf = new Uint32Array(pages);
    this.#owner = new Uint32Array(pages);
    this.#overflowFrom = new Uint32Array(pages);
    this.#overflowCount = new Uint32Array(pages);
    for (const [index, table] of footer.tables.entries())
      this.#index({ ...table, number: index + 1, records: [] });
  }

  /** The pages of the snapshot; undefined when only rows were read. */
  get pages(): EarlierPages | undefined {
    const { pages } = this.#footer;
    if (!pages) return undefined;
    const tags = Buffer.allocUnsafeSlow(pages.bytes);
    readSync(this.#fd, tags, 0, pages.bytes, pages.at);
    return { ...pages, tags };
  }

  /** For marking leaves by their page. */
  noLeaves(): Uint8Array {
    return new Uint8Array(this.#owner.length);
  }

  /** A table by its name. */
  table(name: string): StoredTable | undefined {
    return this.#tables.get(name);
  }

  /**
   * The leaves of a table that are as they were: neither the leaf nor any page on which its rows go on has changed.
   * @param carried is marked with the pages that were asked for and known
   */
  known(name: string, changed: Uint8Array, carried: Uint8Array): KnownLeaves {
    const number = this.#tables.get(name)?.number;
    const dirty = this.#dirty(changed);
    return {
      rowsOf: (page) => {
        if (this.#tableOf[page] !== number || dirty[page]) return undefined;
        carried[page] = 1;
        return this.#rowsOf[page];
      },
      overflowOf: (page) => {
        const from = this.#overflowFrom[page] as number;
        return this.#overflow.slice(from, from + (this.#overflowCount[page] as number));
      },
    };
  }

  /** How many rows a table has outside of the carried leaves. */
  rowsOutside(name: string, carried: Uint8Array): number {
    let rows = 0;
    for (const record of this.#recordsOf(name)) if (!carried[record.page]) rows += record.rows;
    return rows;
  }

  /** The digests of these rows. */
  digestsOutside(name: string, carried: Uint8Array): DigestSet {
    const digests = new DigestSet(this.rowsOutside(name, carried));
    for (const { page, rows, digestsAt } of this.#recordsOf(name)) {
      if (carried[page]) continue;
      for (let row = 0; row < rows; row++)
        digests.add(this.#window.bytes(digestsAt + row * DIGEST_BYTES, DIGEST_BYTES));
    }
    return digests;
  }

  /** Copies the records of the carried leaves. */
  copyCarried(name: string, carried: Uint8Array, into: StoreWriter): void {
    let from = 0;
    let until = 0;
    for (const { at, page, end } of this.#recordsOf(name)) {
      if (!carried[page]) continue;
      if (at !== until) {
        into.copy(this.#fd, from, until - from);
        from = at;
      }
      until = end;
    }
    into.copy(this.#fd, from, until - from);
  }

  #index(table: BaseTable): void {
    this.#tables.set(table.name, table);
    for (let at = table.at; at < table.at + table.bytes; ) {
      const head = this.#window.bytes(at, RECORD_HEAD_BYTES);
      const page = head.readUInt32LE(0);
      const rows = head.readUInt32LE(4);
      const overflow = head.readUInt32LE(8);
      const digestsAt = at + RECORD_HEAD_BYTES + 4 * overflow;
      const end = digestsAt + rows * DIGEST_BYTES;
      table.records.push({ at, page, rows, digestsAt, end });
      if (page !== 0) {
        this.#tableOf[page] = table.number;
        this.#rowsOf[page] = rows;
        this.#overflowFrom[page] = this.#overflow.length;
        this.#overflowCount[page] = overflow;
      }
      for (let index = 0; index < overflow; index++) {
        const next = this.#window.bytes(at + RECORD_HEAD_BYTES + 4 * index, 4).readUInt32LE(0);
        this.#overflow.push(next);
        this.#owner[next] = page;
      }
      at = end;
    }
  }

  #recordsOf = (name: string): StoredRecord[] => this.#tables.get(name)?.records ?? [];

  #dirtyFor: Uint8Array | undefined;
  #dirtyPages = new Uint8Array(0);

  /** Per page of the snapshot, whether it or, of a leaf, a page on which its rows go on has changed or is gone. */
  #dirty(changed: Uint8Array): Uint8Array {
    if (this.#dirtyFor === changed) return this.#dirtyPages;
    this.#dirtyFor = changed;
    this.#dirtyPages = new Uint8Array(this.#owner.length);
    for (let page = 1; page < this.#owner.length; page++)
      if (changed[page] !== 0) {
        this.#dirtyPages[page] = 1;
        this.#dirtyPages[this.#owner[page] as number] = 1;
      }
    return this.#dirtyPages;
  }
}

/** Reads a store's footer, if the sum of everything is right. */
function readFooter(fd: number): StoreFooter | undefined {
  const { size } = fstatSync(fd);
  const trailer = Buffer.allocUnsafe(TRAILER_BYTES);
  const bodyBytes = size - SUM_BYTES;
  if (size < STORE_MAGIC.length + TRAILER_BYTES) return undefined;
  readSync(fd, trailer, 0, TRAILER_BYTES, size - TRAILER_BYTES);
  const sha256 = createHash("sha256");
  const chunk = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  for (let at = 0; at < bodyBytes; ) {
    const read = readSync(fd, chunk, 0, Math.min(chunk.length, bodyBytes - at), at);
    if (read === 0 || (at === 0 && !chunk.subarray(0, STORE_MAGIC.length).equals(STORE_MAGIC)))
      return undefined;
    sha256.update(chunk.subarray(0, read));
    at += read;
  }
  if (!sha256.digest().equals(trailer.subarray(4))) return undefined;
  const json = Buffer.allocUnsafe(trailer.readUInt32LE(0));
  readSync(fd, json, 0, json.length, size - TRAILER_BYTES - json.length);
  return JSON.parse(json.toString());
}

/** Looks into a file through a piece of it, made for reading on from near the last place. */
class Window {
  readonly #fd: number;
  readonly #bytes = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #from = 0;
  #length = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** A view of some bytes, valid until the next call. */
  bytes(at: number, length: number): Buffer {
    if (at < this.#from || at + length > this.#from + this.#length) {
      this.#from = at;
      this.#length = readSync(this.#fd, this.#bytes, 0, WINDOW_BYTES, at);
      if (this.#length < length) throw new RangeError("The store ends within a record.");
    }
    return this.#bytes.subarray(at - this.#from, at - this.#from + length);
  }
}

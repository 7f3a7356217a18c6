import { fstatSync, readSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { DatabaseFiles } from "../../host/descriptor.ts";
import { TenantError } from "../../host/tenant-error.ts";
import {
  FRAME_HEAD_BYTES,
  isWholeWal,
  readWalPages,
  WAL_HEADER_BYTES,
  type WalPosition,
} from "./wal-frames.ts";
import { readWalIndex, type WalIndex } from "./wal-index.ts";

/** https://sqlite.org/fileformat2.html#the_database_header */
const HEADER_BYTES = 100;
const PAGE_SIZE_AT = 16;
const RESERVED_AT = 20;

/** How often a snapshot is begun anew because a writer was just committing, and the pause in between. */
const ATTEMPTS = 40;
const PAUSE_MILLISECONDS = 5;

/** Pages are read and compared in groups of this size. */
const GROUP_BYTES = 64 * 1024;

/** Which state of which files a snapshot shows. */
export interface FilePosition {
  /** Device, inode, size and times of the database file. */
  database: string;
  /** null where no -wal is used. */
  wal: WalPosition | null;
}

/**
 * The pages of the database as the open read transaction sees them, read from the files beneath SQLite: the last frame
 * of the -wal that the snapshot knows, else the database file. What keeps both still: a reader in WAL mode holds a read
 * mark, so that no frame it knows is overwritten, and only such pages of the file are written (by a checkpoint) for
 * which it has a frame. When everything was checkpointed before it began, it may hold no mark but keeps checkpoints
 * away; then the file alone is the snapshot, whatever becomes of the -wal. Other states are read from a file at rest.
 */
export class PageView {
  readonly pageSize: number;
  /** Bytes of a page that a b-tree uses. */
  readonly usable: number;
  readonly pages: number;
  readonly position: FilePosition;
  /** Pages written to the -wal since an earlier position that it continues. */
  readonly since: ReadonlySet<number> | undefined;
  readonly pagesPerGroup: number;
  readonly #files: DatabaseFiles;
  readonly #index: WalIndex | undefined;
  readonly #frameOf: Uint32Array | undefined;
  readonly #page: Buffer;
  readonly #head = Buffer.allocUnsafeSlow(4);
  readonly #group: Buffer;

  private constructor(files: DatabaseFiles, overlay?: Overlay) {
    this.#files = files;
    this.#index = overlay?.frameOf && overlay.index;
    this.#frameOf = overlay?.frameOf;
    this.since = overlay?.since;
    const stat = fstatSync(files.database, { bigint: true });
    this.position = {
      database: [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" "),
      wal: overlay?.position ?? null,
    };
    const header = Buffer.alloc(HEADER_BYTES);
    this.#readPage(1, header, overlay?.index.pageSize);
    const size = header.readUInt16BE(PAGE_SIZE_AT);
    this.pageSize = size === 1 ? 65_536 : size;
    this.usable = this.pageSize - header.readUInt8(RESERVED_AT);
    const valid = (this.pageSize & (this.pageSize - 1)) === 0 && this.pageSize >= 512 && this.usable >= 480;
    if (!valid || (overlay?.frameOf && overlay.index.pageSize !== this.pageSize))
      throw new TenantError("database-damaged", `Pages of ${size} bytes are none that SQLite uses.`);
    // A wal-index that was made for an empty -wal knows neither.
    this.pages = overlay?.index.pages || Math.ceil(Number(stat.size) / this.pageSize);
    this.pagesPerGroup = Math.max(1, GROUP_BYTES / this.pageSize);
    this.#page = Buffer.allocUnsafeSlow(this.pageSize);
    this.#group = Buffer.allocUnsafeSlow(this.pagesPerGroup * this.pageSize);
  }

  /**
   * Fixes the transaction's snapshot and the pages that belong to it. Which commit SQLite reads is known when nothing
   * moved from before the transaction began until after its first read, and the wal-index tells the whole -wal.
   * @param earlier a position whose later frames are wanted
   * @returns undefined when that cannot be known; the transaction can be read through SQLite all the same
   */
  static fix(
    database: DatabaseSync,
    files: DatabaseFiles,
    earlier: FilePosition | undefined,
  ): PageView | undefined {
    const { wal, shm } = files;
    if (wal === undefined || shm === undefined) return new PageView(files);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = readWalIndex(shm);
      database.exec("ROLLBACK; BEGIN; SELECT count(*) FROM sqlite_schema");
      const whole = before && isWholeWal(wal, fstatSync(wal).size, before);
      const after = readWalIndex(shm);
      if (whole && after?.raw.equals(before.raw)) return PageView.#lay(files, wal, after, earlier);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS);
    }
    return undefined;
  }

  /** Lays the -wal over the file. */
  static #lay(
    files: DatabaseFiles,
    wal: number,
    index: WalIndex,
    earlier: FilePosition | undefined,
  ): PageView | undefined {
    const { dev, ino } = fstatSync(wal, { bigint: true });
    const position: WalPosition = {
      file: `${dev}:${ino}`,
      salt: index.salt.toString("hex"),
      frames: index.frames,
      sum: index.sum,
    };
    const same = earlier?.wal?.file === position.file && earlier.wal.salt === position.salt;
    // No honest index speaks of more pages than both files have; there would have to be room for each.
    if (index.pages * index.pageSize > fstatSync(files.database).size + fstatSync(wal).size) return undefined;
    const pages = readWalPages(wal, index, same ? (earlier?.wal ?? undefined) : undefined);
    const since = pages?.since;
    if (index.backfilled >= index.frames)
      return new PageView(files, { index, position, frameOf: undefined, since });
    return pages && new PageView(files, { index, position, frameOf: pages.frameOf, since });
  }

  /** The bytes of a page; valid until the next call. */
  read(page: number): Buffer {
    this.#readPage(page, this.#page);
    return this.#page;
  }

  /** The first four bytes of a page: of an overflow page the number of the next one. */
  head(page: number): number {
    this.#readPage(page, this.#head);
    return this.#head.readUInt32BE(0);
  }

  /** Fills the bytes with what overflow pages hold, each behind the number of the next one. */
  readOverflow(pages: Uint32Array, into: Buffer): void {
    const content = this.usable - 4;
    let filled = 0;
    for (let index = 0; index < pages.length; ) {
      const first = pages[index] as number;
      let count = 1;
      // Pages that lie one behind the other, in the file, are read at once.
      while (
        count < this.pagesPerGroup &&
        pages[index + count] === first + count &&
        !this.#frameOf?.[first + count] &&
        !this.#frameOf?.[first]
      )
        count++;
      const bytes = this.#group.subarray(0, count * this.pageSize);
      this.#readPage(first, bytes);
      for (let page = 0; page < count; page++) {
        const at = page * this.pageSize + 4;
        filled += bytes.copy(into, filled, at, at + content);
      }
      index += count;
    }
  }

  /** How many groups the pages make. */
  get groups(): number {
    return Math.ceil(this.pages / this.pagesPerGroup);
  }

  /** The bytes of a group's pages, group 0 beginning with page 1; valid until the next call. */
  readGroup(group: number): Buffer {
    const first = group * this.pagesPerGroup + 1;
    const count = Math.min(this.pagesPerGroup, this.pages - first + 1);
    const bytes = this.#group.subarray(0, count * this.pageSize);
    readFully(this.#files.database, bytes, (first - 1) * this.pageSize);
    if (this.#frameOf)
      for (let page = first; page < first + count; page++)
        if (this.#frameOf[page]) {
          const at = (page - first) * this.pageSize;
          this.#readPage(page, bytes.subarray(at, at + this.pageSize));
        }
    return bytes;
  }

  /** Makes sure, when everything was read, that it all was of one moment. */
  expectStill(): void {
    if (!this.#index) return;
    const now = this.#files.shm === undefined ? undefined : readWalIndex(this.#files.shm);
    // A header that is just being written has not lost its salt either: a writer cannot begin the -wal anew beside us.
    if (now && !now.salt.equals(this.#index.salt))
      throw new TenantError("database-moved", "The -wal was begun anew while it was read.");
  }

  /** Reads from the beginning of a page on; of the file also what lies behind it. */
  #readPage(page: number, into: Buffer, pageSize = this.pageSize ?? 0): void {
    const frame = this.#frameOf?.[page] ?? 0;
    if (frame === 0) readFully(this.#files.database, into, (page - 1) * pageSize);
    else {
      const at = WAL_HEADER_BYTES + (frame - 1) * (FRAME_HEAD_BYTES + pageSize) + FRAME_HEAD_BYTES;
      readFully(this.#files.wal as number, into, at);
    }
  }
}

/** What lies over the file. */
interface Overlay {
  index: WalIndex;
  position: WalPosition;
  /** undefined when the file has everything. */
  frameOf: Uint32Array | undefined;
  since: Set<number> | undefined;
}

/** Fills a buffer from a file; what lies behind its end is zeros, as SQLite sees it. */
function readFully(fd: number, into: Buffer, at: number): void {
  for (let filled = 0; filled < into.length; ) {
    const bytes = readSync(fd, into, filled, into.length - filled, at + filled);
    if (bytes === 0) {
      into.fill(0, filled);
      return;
    }
    filled += bytes;
  }
}

import { readSync } from "node:fs";
import { endianness } from "node:os";

/** https://sqlite.org/walformat.html#the_wal_index_header: two copies of a header, then how far a checkpoint came. */
const HEADER_BYTES = 48;
const CHECKED_BYTES = 40;
const BACKFILLED_AT = 2 * HEADER_BYTES;
const READ_BYTES = BACKFILLED_AT + 4;

/** What the wal-index says of the last commit. Its numbers are in the machine's own byte order. */
export interface WalIndex {
  /** The header as it stands there; it moves with every commit. */
  raw: Buffer;
  pageSize: number;
  /** Valid frames of the -wal. */
  frames: number;
  /** Pages of the database. */
  pages: number;
  /** Running checksum of the last frame, as two signed words. */
  sum: readonly [number, number];
  /** As it stands in the -wal. */
  salt: Buffer;
  /** Frames that a checkpoint has brought into the database file. */
  backfilled: number;
}

/** The wal-index' header; undefined while it is being written, or when it is none. */
export function readWalIndex(shm: number): WalIndex | undefined {
  const bytes = Buffer.alloc(READ_BYTES);
  if (readSync(shm, bytes, 0, READ_BYTES, 0) < READ_BYTES || endianness() !== "LE") return undefined;
  const raw = bytes.subarray(0, HEADER_BYTES);
  if (!raw.equals(bytes.subarray(HEADER_BYTES, 2 * HEADER_BYTES)) || raw[12] !== 1) return undefined;
  const sum = checksum(wordsOf(raw), 0, CHECKED_BYTES / 4, [0, 0]);
  if (sum[0] !== raw.readInt32LE(40) || sum[1] !== raw.readInt32LE(44)) return undefined;
  const size = raw.readUInt16LE(14);
  return {
    raw,
    pageSize: (size & 0xfe00) + ((size & 1) << 16),
    frames: raw.readUInt32LE(16),
    pages: raw.readUInt32LE(20),
    sum: [raw.readInt32LE(24), raw.readInt32LE(28)],
    salt: raw.subarray(32, 40),
    backfilled: bytes.readUInt32LE(BACKFILLED_AT),
  };
}

/** The bytes as 32-bit words of this machine; they have to begin at a multiple of four. */
export const wordsOf = (bytes: Buffer): Int32Array =>
  new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));

/** SQLite's checksum of words `from` to `to`, going on from `sum`. */
export function checksum(
  words: Int32Array,
  from: number,
  to: number,
  [first, second]: readonly [number, number],
): [number, number] {
  let a = first;
  let b = second;
  for (let at = from; at < to; at += 2) {
    a = (a + (words[at] as number) + b) | 0;
    b = (b + (words[at + 1] as number) + a) | 0;
  }
  return [a, b];
}

import { readSync } from "node:fs";
import { checksum, type WalIndex, wordsOf } from "./wal-index.ts";

/** https://sqlite.org/fileformat2.html#the_write_ahead_log */
export const WAL_HEADER_BYTES = 32;
export const FRAME_HEAD_BYTES = 24;
/** A -wal whose checksums are in the byte order of little-endian machines. */
const MAGIC = 0x377f0682;
const CHUNK_BYTES = 256 * 1024;

/** One frame, as {@link walkFrames} comes to it. */
interface Frame {
  /** From 1. */
  number: number;
  page: number;
  /** Pages of the database after this commit; 0 for a frame that ends none. */
  commit: number;
  sum: readonly [number, number];
}

/**
 * The frames behind frame `from`, as long as they belong to the salt and each continues the checksum of the one before;
 * so a frame of an earlier use of the file, or half a one, ends it.
 */
function* walkFrames(
  wal: number,
  { pageSize, salt }: WalIndex,
  from: number,
  sumBefore: readonly [number, number],
  until = Number.POSITIVE_INFINITY,
): Generator<Frame> {
  const frameBytes = FRAME_HEAD_BYTES + pageSize;
  const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / frameBytes));
  const chunk = Buffer.allocUnsafeSlow(perChunk * frameBytes);
  const words = wordsOf(chunk);
  let sum = sumBefore;
  for (let number = from; number < until; ) {
    const wanted = Math.min(perChunk, until - number) * frameBytes;
    const read = readSync(wal, chunk, 0, wanted, WAL_HEADER_BYTES + number * frameBytes);
    for (let at = 0; at < wanted; at += frameBytes) {
      if (at + frameBytes > read || !chunk.subarray(at + 8, at + 16).equals(salt)) return;
      sum = checksum(words, at / 4, at / 4 + 2, sum);
      sum = checksum(words, (at + FRAME_HEAD_BYTES) / 4, (at + frameBytes) / 4, sum);
      if (chunk.readInt32BE(at + 16) !== sum[0] || chunk.readInt32BE(at + 20) !== sum[1]) return;
      number++;
      yield { number, page: chunk.readUInt32BE(at), commit: chunk.readUInt32BE(at + 4), sum };
    }
  }
}

/** The checksum that a -wal's frames go on from; undefined when it is not the one that the wal-index speaks of. */
function readStart(wal: number, { pageSize, salt }: WalIndex): [number, number] | undefined {
  const head = Buffer.allocUnsafeSlow(WAL_HEADER_BYTES);
  if (readSync(wal, head, 0, WAL_HEADER_BYTES, 0) < WAL_HEADER_BYTES) return undefined;
  if (head.readUInt32BE(0) !== MAGIC || head.readUInt32BE(8) !== pageSize) return undefined;
  const sum = checksum(wordsOf(head), 0, 6, [0, 0]);
  const whole = sum[0] === head.readInt32BE(24) && sum[1] === head.readInt32BE(28);
  return whole && head.subarray(16, 24).equals(salt) ? sum : undefined;
}

/**
 * Whether the wal-index tells the whole of the -wal: nothing committed stands behind the frames it knows. Otherwise a
 * writer is just committing, or was killed while it did, and which of both SQLite goes by cannot be told from outside.
 */
export function isWholeWal(wal: number, bytes: number, index: WalIndex): boolean {
  if (bytes === 0) return index.frames === 0;
  const start = readStart(wal, index);
  if (!start) return false;
  const sum = index.frames === 0 ? start : index.sum;
  for (const { commit } of walkFrames(wal, index, index.frames, sum)) if (commit !== 0) return false;
  return true;
}

/** How far into a -wal a snapshot reached. */
export interface WalPosition {
  /** Device and inode. */
  file: string;
  /** In hex. */
  salt: string;
  frames: number;
  sum: readonly [number, number];
}

/** Where a -wal holds the pages of a snapshot. */
export interface WalPages {
  /** Per page number the last frame that holds it; 0 for none. */
  frameOf: Uint32Array;
  /** The pages behind the earlier position; undefined when the -wal does not continue it. */
  since: Set<number> | undefined;
}

/** Reads the frames that a snapshot sees, all of them checked; undefined when they are not what the index says. */
export function readWalPages(
  wal: number,
  index: WalIndex,
  earlier: WalPosition | undefined,
): WalPages | undefined {
  const frameOf = new Uint32Array(index.pages + 1);
  const since = new Set<number>();
  let continued = earlier?.frames === 0;
  let last = 0;
  if (index.frames === 0) return { frameOf, since: continued ? since : undefined };
  const start = readStart(wal, index);
  if (!start) return undefined;
  for (const { number, page, sum } of walkFrames(wal, index, 0, start, index.frames)) {
    if (page < frameOf.length) frameOf[page] = number;
    if (earlier && number > earlier.frames) since.add(page);
    if (number === earlier?.frames) continued = sum[0] === earlier.sum[0] && sum[1] === earlier.sum[1];
    if (number === index.frames && (sum[0] !== index.sum[0] || sum[1] !== index.sum[1])) return undefined;
    last = number;
  }
  return last === index.frames ? { frameOf, since: continued ? since : undefined } : undefined;
}

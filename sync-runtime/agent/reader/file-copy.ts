import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";

/** Stays in the processor's cache: larger chunks copied up to twice as slowly. */
const CHUNK_BYTES = 256 * 1024;
/** What is rewritten for one byte that differs: the usual page of a database. */
const PIECE_BYTES = 4096;

/**
 * Copies a file that may be written to meanwhile: then the copy may hold parts of many moments.
 * @param from, to descriptors; neither's position counts
 */
export function copyFile(from: number, to: number): void {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let at = 0;
  for (let bytes = readAt(from, chunk, at); bytes > 0; bytes = readAt(from, chunk, at)) {
    writeAt(to, chunk.subarray(0, bytes), at);
    at += bytes;
  }
  ftruncateSync(to, at);
}

/**
 * Makes a copy equal to its file by reading both and writing what differs, which takes half the time of copying again
 * where little does. If nobody writes to the file meanwhile they are equal afterwards, whatever the copy was before.
 * @param isLate asked again and again; true gives up
 * @returns whether it came to the end
 */
export function bringUpToDate(from: number, to: number, isLate = () => false): boolean {
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const copied = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let at = 0;
  for (let bytes = readAt(from, chunk, at); bytes > 0; bytes = readAt(from, chunk, at)) {
    if (isLate()) return false;
    const had = readAt(to, copied, at);
    if (had < bytes) writeAt(to, chunk.subarray(0, bytes), at);
    else if (!equalAt(chunk, copied, 0, bytes)) writeDifferences(to, at, chunk, copied, bytes);
    at += bytes;
  }
  ftruncateSync(to, at);
  return true;
}

function writeDifferences(to: number, at: number, chunk: Buffer, copied: Buffer, bytes: number): void {
  for (let start = 0; start < bytes; start += PIECE_BYTES) {
    const end = Math.min(start + PIECE_BYTES, bytes);
    if (!equalAt(chunk, copied, start, end)) writeAt(to, chunk.subarray(start, end), at + start);
  }
}

const equalAt = (one: Buffer, other: Buffer, start: number, end: number): boolean =>
  one.compare(other, start, end, start, end) === 0;

/** Fills the buffer from a place in a file, as far as the file goes. */
function readAt(fd: number, buffer: Buffer, at: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const bytes = readSync(fd, buffer, filled, buffer.length - filled, at + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return filled;
}

function writeAt(fd: number, bytes: Uint8Array, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, at + written);
}

/** Size and times of an open file. */
export const statOf = (fd: number) => fstatSync(fd, { bigint: true });

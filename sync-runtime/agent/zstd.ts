import { zstdCompressSync } from "node:zlib";

/** https://www.rfc-editor.org/rfc/rfc8878#name-blocks */
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEAD_BYTES = 3;

/** A whole answer. Knowing its size, zstd takes a few KB for its tables instead of MBs. */
export const compressWhole = (contents: Buffer): Buffer =>
  zstdCompressSync(contents, { pledgedSrcSize: contents.length });

/**
 * Blocks that end a zstd frame begun by somebody else, their contents as they are. Another zstd frame would be as right,
 * but Node's decompressor drops one that comes in the same chunk as the end of the one before (seen in 24.21).
 */
export function lastBlocks(contents: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < contents.length; at += MAX_BLOCK_BYTES) {
    const block = contents.subarray(at, at + MAX_BLOCK_BYTES);
    const isLast = at + block.length === contents.length;
    // Size of the block, type 0 (raw), whether it is the last.
    const head = Buffer.alloc(BLOCK_HEAD_BYTES);
    head.writeUIntLE((block.length << 3) | (isLast ? 1 : 0), 0, BLOCK_HEAD_BYTES);
    pieces.push(head, block);
  }
  return Buffer.concat(pieces);
}

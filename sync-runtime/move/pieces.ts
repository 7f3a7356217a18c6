import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

/** Bytes of a piece, but for a file's last one: two of SQLite's largest pages. */
export const PIECE_BYTES = 128 * 1024;

/** Bytes of a piece's sha256. */
export const DIGEST_BYTES = 32;

const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

/** The digest of a whole file: over those of its pieces, in their order. Hex. */
export const wholeDigest = (pieces: Buffer): string => createHash("sha256").update(pieces).digest("hex");

/** The digest of one piece among a file's; undefined: it has no such piece. */
export const pieceAt = (pieces: Buffer, at: number): Buffer | undefined =>
  (at + 1) * DIGEST_BYTES <= pieces.length
    ? pieces.subarray(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)
    : undefined;

/** One piece as it was read; its bytes are another's as soon as the next one is asked for. */
export interface Piece {
  at: number;
  bytes: Buffer;
  digest: Buffer;
}

/** Reads an open file to its end, piece by piece. */
export async function* piecesOf(file: FileHandle): AsyncGenerator<Piece> {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  for (let at = 0; ; at++) {
    let filled = 0;
    while (filled < PIECE_BYTES) {
      const { bytesRead } = await file.read(buffer, filled, PIECE_BYTES - filled, at * PIECE_BYTES + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled === 0) return;
    const bytes = buffer.subarray(0, filled);
    yield { at, bytes, digest: sha256(bytes) };
    if (filled < PIECE_BYTES) return;
  }
}

/** The digests of all of a file's pieces, one behind the other. */
export async function digestsOf(file: FileHandle): Promise<Buffer> {
  const digests: Buffer[] = [];
  for await (const { digest } of piecesOf(file)) digests.push(digest);
  return Buffer.concat(digests);
}

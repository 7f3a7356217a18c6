import { once } from "node:events";
import { writeSync } from "node:fs";
import { constants, createZstdCompress } from "node:zlib";
import { frameBytes } from "../../protocol/frame.ts";
import { ReaderDescriptor } from "./task.ts";

const COMPRESSION = {
  // Chats shrink to about a third; higher levels cost more time than they save on a local network.
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  chunkSize: 128 * 1024,
  // Rows are read while others are compressed.
  writableHighWaterMark: 1024 * 1024,
};

/** What is read before it is announced, about. */
const PART_BYTES = 1024 * 1024;

/**
 * Writes frames to the spool, compressed, and announces again and again how much of it is whole: the zstd blocks so
 * far hold whole frames. So these can be sent, and other frames follow, whatever becomes of the rest. The end of the
 * zstd frame is never announced, since more is to follow.
 * @param frames frames in chunks, no chunk with parts of two frames
 * @param announce is told how many bytes from the spool's beginning are whole
 */
export async function writeSpool(
  frames: AsyncIterable<Uint8Array>,
  announce: (bytes: number) => void,
): Promise<void> {
  const zstd = createZstdCompress(COMPRESSION);
  const failed = new AbortController();
  /** Sizes of the spool at which it is whole, not yet reached. */
  const marks: number[] = [];
  let bytes = 0;
  const announceReached = () => {
    while (marks[0] !== undefined && marks[0] <= bytes) announce(marks.shift() as number);
  };
  const flush = (flushed = () => {}) =>
    zstd.flush(constants.ZSTD_e_flush, () => {
      marks.push(bytes + zstd.readableLength);
      announceReached();
      flushed();
    });
  const compress = async () => {
    const end = new FrameEnd();
    let length = 0;
    for await (const chunk of frames) {
      // The content of an empty text, for one, which is no beginning of a frame.
      if (chunk.length === 0) continue;
      end.accept(chunk);
      length += chunk.length;
      if (!zstd.write(chunk)) await once(zstd, "drain", failed);
      if (length < PART_BYTES || !end.reached) continue;
      flush();
      length = 0;
    }
    // Not before: an end that is known already turns the flush into the end of the zstd frame.
    flush(() => zstd.end());
  };
  const write = async () => {
    for await (const chunk of zstd) {
      writeWhole(chunk);
      bytes += chunk.length;
      announceReached();
    }
  };
  try {
    await Promise.all([compress(), write()]);
  } catch (error) {
    failed.abort();
    zstd.destroy();
    throw error;
  }
}

function writeWhole(chunk: Buffer): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(ReaderDescriptor.spool, chunk, at);
}

/** Knows whether the chunks so far end where a frame ends. */
class FrameEnd {
  #missing = 0;

  get reached(): boolean {
    return this.#missing === 0;
  }

  accept(chunk: Uint8Array): void {
    if (this.#missing === 0) this.#missing = frameBytes(chunk);
    this.#missing -= chunk.length;
  }
}

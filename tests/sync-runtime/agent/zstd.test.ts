import { once } from "node:events";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressWhole, lastBlocks } from "../../../sync-runtime/agent/zstd.ts";

/** What a reader leaves: whole blocks of a frame that has no end yet. */
async function begunFrame(contents: Buffer): Promise<Buffer> {
  const zstd = createZstdCompress();
  zstd.write(contents);
  const flushed = new Promise<void>((resolve) => zstd.flush(constants.ZSTD_e_flush, resolve));
  await Promise.all([flushed, once(zstd, "readable")]);
  return zstd.read();
}

const decompressed = (chunks: Buffer[]) =>
  buffer(Readable.from(chunks, { objectMode: false }).pipe(createZstdDecompress()));

describe("an answer that a reader began", () => {
  it.each([1, 128 * 1024, 128 * 1024 + 1, 1_000_000])(
    "is ended by %i bytes, however the network cuts it",
    async (length) => {
      const rows = Buffer.alloc(50_000, "rows of a table ");
      const last = Buffer.alloc(length, "manifest");
      const begun = await begunFrame(rows);
      const whole = Buffer.concat([rows, last]);
      const ending = lastBlocks(last);
      expect(await decompressed([begun, ending])).toEqual(whole);
      expect(await decompressed([Buffer.concat([begun, ending])])).toEqual(whole);
      const cut = [begun, ending.subarray(0, 2), ending.subarray(2)];
      expect(await decompressed(cut)).toEqual(whole);
    },
  );

  it("is not whole before", async () => {
    const begun = await begunFrame(Buffer.alloc(50_000, "rows of a table "));
    await expect(decompressed([begun])).rejects.toThrow("unexpected end of file");
  });
});

it("an answer that nobody began is whole by itself", async () => {
  const frames = Buffer.from("unchanged");
  expect(await decompressed([compressWhole(frames)])).toEqual(frames);
});

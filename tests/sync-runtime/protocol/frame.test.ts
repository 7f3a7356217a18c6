import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeFrame,
  type Frame,
  FrameError,
  FrameType,
  frameHead,
  readFrames,
} from "../../../sync-runtime/protocol/frame.ts";
import { MAX_FRAME_BYTES } from "../../../sync-runtime/protocol/limit.ts";

/** Frames of a byte stream that arrives in the given chunks. */
const read = async (chunks: Uint8Array[], maxBytes?: number): Promise<Frame[]> =>
  Array.fromAsync(readFrames(streamOf(chunks), maxBytes));

async function* streamOf(chunks: Uint8Array[]) {
  yield* chunks;
}

/** Cuts bytes at the given places, in any order. */
const cut = (bytes: Buffer, places: number[]): Buffer[] => {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
};

const frame = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});

describe("the frame codec", () => {
  it("gives back the frames written, however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame), fc.array(fc.nat()), async (frames, places) => {
        const bytes = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
        expect(await read(cut(bytes, places))).toEqual(frames);
      }),
    );
  });

  it("refuses a stream that ends inside a frame", async () => {
    const bytes = encodeFrame(FrameType.rows, Buffer.from("abc"));
    for (let end = 1; end < bytes.length; end++)
      await expect(read([bytes.subarray(0, end)])).rejects.toThrow(FrameError);
  });

  it("refuses an announced length beyond the limit before the payload arrives", async () => {
    const announced = encodeFrame(FrameType.rows, Buffer.alloc(11)).subarray(0, 5);
    await expect(read([announced], 10)).rejects.toMatchObject({ code: "frame-too-long" });
  });

  it("takes a frame of exactly the limit", async () => {
    const bytes = encodeFrame(FrameType.rows, Buffer.alloc(10, 7));
    expect(await read([bytes], 10)).toHaveLength(1);
  });

  it("does not write a frame that the other side would refuse", () => {
    expect(() => frameHead(FrameType.rows, MAX_FRAME_BYTES + 1)).toThrow("are allowed");
  });
});

import { MAX_FRAME_BYTES } from "./limit.ts";

/** What a frame's payload is; the numbers are the wire's. */
export const FrameType = {
  header: 1,
  table: 2,
  rows: 3,
  manifest: 4,
  unchanged: 5,
  error: 6,
  removed: 7,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** One frame of a stream, its type not yet checked against the list. */
export interface Frame {
  type: number;
  payload: Buffer;
}

/** Bytes before a payload: u32be length, u8 type. */
const FRAME_HEAD_BYTES = 5;

/** A stream that is not a sequence of whole frames. */
export class FrameError extends Error {
  override name = "FrameError";
  readonly code: "frame-too-long" | "frame-truncated";

  constructor(code: FrameError["code"], found: string) {
    super(
      `The stream is not made of whole frames: ${found}. Nothing of it is used; the sync is tried again.`,
    );
    this.code = code;
  }
}

/** The five bytes that announce a payload of `length` bytes. */
export function frameHead(type: FrameType, length: number): Buffer {
  if (length > MAX_FRAME_BYTES)
    throw new FrameError("frame-too-long", `${length} bytes were to be sent, ${MAX_FRAME_BYTES} are allowed`);
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  head.writeUInt32BE(length, 0);
  head.writeUInt8(type, 4);
  return head;
}

/** Bytes of the whole frame whose head these bytes begin with. */
export const frameBytes = (head: Uint8Array): number =>
  FRAME_HEAD_BYTES + new DataView(head.buffer, head.byteOffset).getUint32(0);

/** One whole frame. */
export function encodeFrame(type: FrameType, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHead(type, payload.length), payload]);
}

/** One whole frame around a message's JSON. */
export function encodeJsonFrame(type: FrameType, message: unknown): Buffer {
  return encodeFrame(type, Buffer.from(JSON.stringify(message)));
}

/**
 * Cuts a byte stream into frames. At most one frame is held in memory, and its length is checked before a byte of it
 * is kept, so that the other side cannot make this one grow beyond `maxBytes`.
 */
export async function* readFrames(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number = MAX_FRAME_BYTES,
): AsyncGenerator<Frame> {
  const head = Buffer.allocUnsafe(FRAME_HEAD_BYTES);
  let headFilled = 0;
  let payload: Buffer | undefined;
  let payloadFilled = 0;

  for await (const chunk of source) {
    let at = 0;
    while (at < chunk.length) {
      if (!payload) {
        const taken = chunk.subarray(at, at + FRAME_HEAD_BYTES - headFilled);
        head.set(taken, headFilled);
        headFilled += taken.length;
        at += taken.length;
        if (headFilled < FRAME_HEAD_BYTES) break;
        payload = Buffer.allocUnsafeSlow(boundedLength(head.readUInt32BE(0), maxBytes));
        payloadFilled = 0;
      }
      const taken = chunk.subarray(at, at + payload.length - payloadFilled);
      payload.set(taken, payloadFilled);
      payloadFilled += taken.length;
      at += taken.length;
      if (payloadFilled < payload.length) break;
      yield { type: head.readUInt8(4), payload };
      payload = undefined;
      headFilled = 0;
    }
  }
  if (headFilled > 0) throw new FrameError("frame-truncated", "it ended inside a frame");
}

function boundedLength(length: number, maxBytes: number): number {
  if (length > maxBytes)
    throw new FrameError(
      "frame-too-long",
      `a frame of ${length} bytes was announced, ${maxBytes} are allowed`,
    );
  return length;
}

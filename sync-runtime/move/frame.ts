import * as z from "zod";
import { MoveError } from "./move-error.ts";
import { PIECE_BYTES } from "./pieces.ts";

const Owner = { mode: z.number(), uid: z.number(), gid: z.number() };
const Digest = z.string().regex(/^[0-9a-f]{64}$/);

/**
 * One thing that is said of a source. Paths hold one character for each byte; `modified` is in milliseconds. `file` is
 * followed by its pieces that the other side does not have, and by `whole`; a `file` that it has entirely is followed by
 * `whole` at once.
 */
export const Frame = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("directory"), path: z.string(), ...Owner }),
  z.strictObject({ kind: z.literal("link"), path: z.string(), target: z.string() }),
  z.strictObject({ kind: z.literal("file"), path: z.string(), ...Owner, modified: z.int() }),
  /** Its bytes come behind it. */
  z.strictObject({ kind: z.literal("piece"), at: z.int(), bytes: z.int().min(1).max(PIECE_BYTES) }),
  z.strictObject({ kind: z.literal("whole"), size: z.number(), digest: Digest }),
  z.strictObject({
    kind: z.literal("end"),
    /** Over all files (host/files-digest.ts). */
    sha256: Digest,
    /** Files that were written while they were read. */
    moving: z.int(),
    /** Pipes, sockets and devices, which do not come along. */
    special: z.int(),
  }),
]);
export type Frame = z.infer<typeof Frame>;

/** What a frame's header may have of bytes: paths are a few thousand at most. */
const LONGEST = 1_000_000;

/** A frame as it travels: the length of its header in four bytes, the header as JSON, a piece's bytes. */
export function frameBytes(frame: Frame, payload?: Buffer): Buffer {
  const header = Buffer.from(JSON.stringify(frame));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  return Buffer.concat([length, header, ...(payload ? [payload] : [])]);
}

/** A frame that came, with the bytes of a piece. */
export interface Came {
  frame: Frame;
  payload: Buffer;
}

/** Reads frames until the last one; a stream that ends before it is damaged. */
export async function* framesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Came> {
  const chunks = stream[Symbol.asyncIterator]();
  let held: Buffer[] = [];
  let size = 0;
  const take = async (wanted: number): Promise<Buffer> => {
    while (size < wanted) {
      const { done, value } = await chunks.next();
      if (done) throw new MoveError("stream-damaged", "What the source sends was cut off.");
      held.push(value);
      size += value.length;
    }
    const all = held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held);
    held = all.length > wanted ? [all.subarray(wanted)] : [];
    size -= wanted;
    return all.subarray(0, wanted);
  };
  for (;;) {
    const length = (await take(4)).readUInt32BE();
    if (length > LONGEST) throw damaged();
    const frame = parsed(await take(length));
    yield { frame, payload: frame.kind === "piece" ? await take(frame.bytes) : Buffer.alloc(0) };
    if (frame.kind === "end") return;
  }
}

function parsed(header: Buffer): Frame {
  try {
    return Frame.parse(JSON.parse(header.toString()));
  } catch (cause) {
    throw damaged(cause);
  }
}

const damaged = (cause?: unknown): MoveError =>
  new MoveError("stream-damaged", "What the source sends makes no sense.", { cause });

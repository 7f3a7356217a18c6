import { encodeFrame, FrameType } from "../../protocol/frame.ts";
import { DIGEST_BYTES } from "../../protocol/row-digest.ts";
import type { DigestSet } from "./digest-set.ts";

const DIGESTS_PER_FRAME = 8192;

/** What is left of a table's former rows, as frames. */
export function* removedFrames(removed: DigestSet): Generator<Uint8Array> {
  const digests = Buffer.allocUnsafe(Math.min(removed.rows, DIGESTS_PER_FRAME) * DIGEST_BYTES);
  let filled = 0;
  for (const digest of removed.rest()) {
    filled += digest.copy(digests, filled);
    if (filled < digests.length) continue;
    yield encodeFrame(FrameType.removed, digests);
    filled = 0;
  }
  if (filled > 0) yield encodeFrame(FrameType.removed, digests.subarray(0, filled));
}

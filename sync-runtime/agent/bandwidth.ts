import { setTimeout } from "node:timers/promises";

/** A piece lasts a tenth of a second, so that answers that share the bandwidth take turns often; or is this small. */
const PIECES_PER_SECOND = 10;
const MIN_PIECE_BYTES = 16 * 1024;

/** What {@link Bandwidth} measures and waits with. */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Rejects when `signal` aborts. */
  wait(milliseconds: number, signal: AbortSignal): Promise<unknown>;
}

const CLOCK: Clock = {
  now: () => performance.now(),
  wait: (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal }),
};

/** Bytes a second that all answers have together. What is not used is not saved up for later. */
export class Bandwidth {
  readonly #bytesPerMillisecond: number;
  readonly #pieceBytes: number;
  readonly #clock: Clock;
  /** When what was let through so far has had its time. */
  #busyUntil = 0;

  /** @param bytesPerSecond undefined does not limit */
  constructor(bytesPerSecond: number | undefined, clock = CLOCK) {
    this.#bytesPerMillisecond = (bytesPerSecond ?? Number.POSITIVE_INFINITY) / 1000;
    this.#pieceBytes = Math.max(MIN_PIECE_BYTES, Math.floor((bytesPerSecond ?? 0) / PIECES_PER_SECOND));
    this.#clock = clock;
  }

  /** The same bytes, each piece as soon as those before it have had their time. */
  async *limit(chunks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
    if (this.#bytesPerMillisecond === Number.POSITIVE_INFINITY) return yield* chunks;
    for await (const chunk of chunks)
      for (let at = 0; at < chunk.length; at += this.#pieceBytes) {
        const piece = chunk.subarray(at, at + this.#pieceBytes);
        const now = this.#clock.now();
        const begin = Math.max(now, this.#busyUntil);
        this.#busyUntil = begin + piece.length / this.#bytesPerMillisecond;
        if (begin > now) await this.#clock.wait(begin - now, signal);
        yield piece;
      }
  }
}

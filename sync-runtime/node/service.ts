import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";

/** Something that works until it is told to stop, and has put everything away when its promise resolves. */
export interface Service {
  run(signal: AbortSignal): Promise<void>;
}

/** Moments and pauses, passed in so that tests decide them. */
export interface Clock {
  /** Milliseconds on a clock that never steps; only differences mean something. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

/** Something that ends a pause early: what was waited for is there. */
export class Bell {
  #rung = new AbortController();

  ring(): void {
    this.#rung.abort();
    this.#rung = new AbortController();
  }

  /** Pauses until it rings, or as the clock does. */
  async pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    await clock.pause(ms, AbortSignal.any([signal, this.#rung.signal]));
  }
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

/** How a step is repeated. */
interface Repetition {
  /** Between the end of a step and the next; asked each time where it is a function. */
  ms: number | (() => number);
  what: string;
  signal: AbortSignal;
  bell?: Bell;
}

/**
 * Takes a step again and again, `ms` apart or when the bell rings, until the signal aborts. A step that fails is logged
 * and taken again: what it needs (Postgres, mostly) comes back by itself.
 */
export async function repeat(
  step: () => Promise<void>,
  { clock, log }: { clock: Clock; log: Logger },
  { ms, what, signal, bell = new Bell() }: Repetition,
): Promise<void> {
  let failing = false;
  while (!signal.aborted) {
    try {
      await step();
      if (failing) log.info(`${what} works again`);
      failing = false;
    } catch (error) {
      // Once per outage, not once per second of it.
      if (!failing) log.warn({ err: error }, `${what} failed and is tried again and again`);
      failing = true;
    }
    await bell.pause(clock, typeof ms === "number" ? ms : ms(), signal);
  }
}

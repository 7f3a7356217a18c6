import { setTimeout as pause } from "node:timers/promises";

/** The first pause between two looks, and the longest: most conditions come true soon, others take a container's start. */
const PAUSE_MS = { first: 10, longest: 250 };

/** A condition that did not come true in the time it was given. */
export class NeverHappenedError extends Error {
  constructor(what: string, seconds: number, lastSeen: unknown) {
    const seen = lastSeen instanceof Error ? lastSeen.message : JSON.stringify(lastSeen);
    super(`waited ${seconds} s for: ${what}\nlast seen: ${seen}`);
  }
}

/**
 * Waits until `look` returns something truthy and returns that.
 *
 * A look that throws counts as "not yet": what is waited for here is mostly a server that is not up.
 *
 * @param what the condition as a sentence, printed when it never comes true
 * @param seconds the patience; generous, because it only costs time when the test fails
 */
export const until = async <T>(
  what: string,
  look: () => Promise<T> | T,
  seconds = 60,
): Promise<Exclude<T, false | null | undefined>> => {
  const deadline = performance.now() + seconds * 1000;
  let seen: unknown;
  let wait = PAUSE_MS.first;
  do {
    try {
      seen = await look();
      if (seen) return seen as Exclude<T, false | null | undefined>;
    } catch (error) {
      seen = error;
    }
    await pause(wait);
    wait = Math.min(1.5 * wait, PAUSE_MS.longest);
  } while (performance.now() < deadline);
  throw new NeverHappenedError(what, seconds, seen);
};

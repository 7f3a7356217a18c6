import { setTimeout as pause } from "node:timers/promises";

/** How often a condition is looked at; short beside everything that is waited for here. */
const LOOK_EVERY_MS = 250;

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
  do {
    try {
      seen = await look();
      if (seen) return seen as Exclude<T, false | null | undefined>;
    } catch (error) {
      seen = error;
    }
    await pause(LOOK_EVERY_MS);
  } while (performance.now() < deadline);
  throw new NeverHappenedError(what, seconds, seen);
};

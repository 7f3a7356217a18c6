import { setTimeout as sleep } from "node:timers/promises";

/** How a wait goes. */
export interface Patience {
  /** For how long it looks, ms. */
  patienceMs: number;
  /** Between two looks, ms. */
  lookMs: number;
  /** Ends it: the wait throws its reason. */
  signal?: AbortSignal;
}

/** Looks until there is something to answer; undefined where there was nothing for as long as that. */
export async function until<T>(
  look: () => Promise<T | undefined>,
  { patienceMs, lookMs, signal }: Patience,
): Promise<T | undefined> {
  const began = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - began > patienceMs) return undefined;
    await sleep(lookMs);
  }
}

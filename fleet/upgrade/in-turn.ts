/** What became of each of many. */
export interface Turns<T> {
  done: T[];
  failed: { one: T; error: Error }[];
  /** Never begun, because one before failed. */
  left: T[];
}

/** Works on many, some at a time: the first ones on trial before all others. The first failure begins no further one. */
export async function inTurn<T>(
  all: readonly T[],
  { canary, parallel }: { canary: number; parallel: number },
  work: (one: T) => Promise<void>,
): Promise<Turns<T>> {
  const turns: Turns<T> = { done: [], failed: [], left: [...all] };
  const worker = async (until: number) => {
    while (turns.failed.length === 0 && turns.left.length > until) {
      const one = turns.left.shift() as T;
      try {
        await work(one);
        turns.done.push(one);
      } catch (error) {
        turns.failed.push({ one, error: error as Error });
      }
    }
  };
  const wave = (until: number) => Promise.all(Array.from({ length: parallel }, () => worker(until)));
  if (canary > 0) await wave(Math.max(0, all.length - canary));
  await wave(0);
  return turns;
}

/** A write that the lease or a tenant's claim guards, as Postgres recorded it. */
export interface GuardedWrite {
  /** `lease`, or `claim:<tenant>`. */
  guard: string;
  /** `take` begins an epoch; everything else is written under one. */
  write: string;
  /** Null where there was none. */
  epoch: number | null;
  /** The process that wrote; null inside a sync, whose connection is named after its claim. */
  run: string | null;
  /** The transaction. */
  xact: string;
  /** Of a replica: the sync that it held before, and holds now. */
  syncBefore?: string | null;
  syncAfter?: string | null;
}

/**
 * What of a history could not be if there were one writer at a time, a sentence each. Per guard, in the order of commits:
 * an epoch begins by being taken, once, by one run; whatever is written under it is that run's; and behind the beginning
 * of the next nothing is written under it any more.
 */
export function violations(history: readonly GuardedWrite[]): string[] {
  const found: string[] = [];
  const guards = Map.groupBy(history, ({ guard }) => guard);
  for (const [guard, writes] of guards) {
    let epoch = 0;
    let holder: string | null = null;
    for (const write of writes) {
      const what = `${guard}: ${write.write} of epoch ${write.epoch} by ${write.run ?? "a sync"} in ${write.xact}`;
      if (write.epoch === null) found.push(`${what} has no epoch`);
      else if (write.epoch < epoch)
        found.push(`${what} was committed behind the beginning of epoch ${epoch}`);
      else if (write.write === "take" && write.epoch === epoch)
        found.push(`${what} takes an epoch that ${holder} has`);
      else if (write.write !== "take" && write.epoch > epoch)
        found.push(`${what} was committed before that epoch began`);
      else if (write.write !== "take" && write.run !== null && write.run !== holder)
        found.push(`${what} is written by another than ${holder}, whose epoch it is`);
      if (write.write === "take" && write.epoch !== null) [epoch, holder] = [write.epoch, write.run];
    }
    found.push(...brokenChain(guard, writes));
  }
  return found;
}

/** Replicas go from sync to sync: what one held is what the one before left, and none is committed twice. */
function brokenChain(guard: string, writes: readonly GuardedWrite[]): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  let last: string | null | undefined;
  for (const { write, syncBefore = null, syncAfter = null, xact } of writes) {
    if (write !== "replica") continue;
    if (last !== undefined && syncBefore !== last)
      found.push(`${guard}: ${xact} found sync ${syncBefore}, and ${last} was committed before it`);
    if (syncAfter !== null && syncAfter !== syncBefore) {
      if (seen.has(syncAfter))
        found.push(`${guard}: sync ${syncAfter} was committed twice, again in ${xact}`);
      seen.add(syncAfter);
    }
    last = syncAfter;
  }
  return found;
}

/**
 * Syncs that were committed upon another one than their source was told of: what came between is lost.
 * @param told by sync, what its source was told is committed
 */
export function lostSyncs(
  history: readonly GuardedWrite[],
  told: ReadonlyMap<string, string | null>,
): string[] {
  return history.flatMap(({ guard, syncBefore = null, syncAfter = null }) => {
    if (syncAfter === null || syncAfter === syncBefore || !told.has(syncAfter)) return [];
    const base = told.get(syncAfter) ?? null;
    if (base === syncBefore) return [];
    return [`${guard}: sync ${syncAfter} was made upon ${base} and committed upon ${syncBefore}`];
  });
}

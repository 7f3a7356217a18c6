/** The first retry's delay, and the longest of any: a tenant that fails for days is still tried every five minutes. */
const FIRST_S = 5;
const LONGEST_S = 300;
/** Share by which a delay is shortened or lengthened at random, so that tenants that failed together part. */
const JITTER = 0.2;

/**
 * Seconds until a failed sync is tried again: twice as long each time.
 * @param attempt which attempt failed, from 1
 * @param random a number in [0, 1)
 */
export function retryDelay(attempt: number, random: number): number {
  const delay = Math.min(LONGEST_S, FIRST_S * 2 ** (attempt - 1));
  return delay * (1 + JITTER * (2 * random - 1));
}

import type { BigIntStats } from "node:fs";

/** A file touched less than this before it was looked at could change again without its times moving. */
const RACY_NANOSECONDS = 2_000_000_000n;

/** What moves when a file is written to, or another takes its place. */
export const fileStamp = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(" ");

/**
 * Whether a file's times prove something: the same times later mean that nothing was written in between.
 * @param now nanoseconds since 1970 by the clock of the kernel that stamps the files
 */
export const isTrusted = (stat: BigIntStats, now: bigint): boolean =>
  isWrittenLongAgo(stat, now) && now - stat.ctimeNs > RACY_NANOSECONDS;

/** The same, where the time of change may have moved by looking: as root SQLite gives a journal it opens its owner anew. */
export const isWrittenLongAgo = ({ mtimeNs }: BigIntStats, now: bigint): boolean =>
  now - mtimeNs > RACY_NANOSECONDS;

/** The versions of a row in conflict: last verified, the source's, what others left, and what was decided. */
export const VERSIONS = ["base", "source", "remote", "result"] as const;
export type Version = (typeof VERSIONS)[number];

export type Versions<Value> = Record<Version, Value>;

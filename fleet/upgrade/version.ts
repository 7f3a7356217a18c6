/** A release of Open WebUI as its image is tagged, `v0.11.3` or `v0.11.3-slim`. */
export interface Release {
  /** As it was written. */
  text: string;
  numbers: readonly [number, number, number];
}

/** Undefined: no release, but a digest, a branch or a build of somebody's. */
export function releaseOf(text: string): Release | undefined {
  const [, major, minor, patch] = /^v(\d+)\.(\d+)\.(\d+)(?:-[a-z0-9.]+)?$/.exec(text) ?? [];
  if (major === undefined) return undefined;
  return { text, numbers: [Number(major), Number(minor), Number(patch)] };
}

/** Below 0: `a` is older. Flavours of one release, `-slim` or `-cuda`, are as old as each other. */
export const compareReleases = (a: Release, b: Release): number =>
  a.numbers.map((number, index) => number - (b.numbers[index] ?? 0)).find((difference) => difference !== 0) ??
  0;

/** A release that databases from before another have to have been run by, before they go further. */
interface Stop {
  /** Databases of releases below this one. */
  below: string;
  at: string;
  why: string;
}

/**
 * What Open WebUI cannot skip, as far as it is known. The oldest databases that were taken straight to 0.11.3 here are those
 * of 0.3.35; whatever else cannot be skipped shows in the rehearsal, which compares schema and rows.
 */
const stops: readonly Stop[] = [
  {
    below: "v0.3.35",
    at: "v0.9.5",
    why: "v0.9.6 and later have no peewee migrations any more, and nobody here saw a database from before v0.3.35 without them",
  },
];

/** One step of a way from a release to another. */
export interface Hop {
  from: string;
  to: string;
  /** Why the way stops there; undefined: it is where it leads. */
  why?: string;
}

/** The steps from one release to a later one. */
export function hopsBetween(from: Release, to: Release): Hop[] {
  const between = stops.filter(
    ({ below, at }) =>
      compareTexts(from, below) < 0 && compareTexts(from, at) < 0 && compareTexts(to, at) > 0,
  );
  const places = [...between.map(({ at, why }) => ({ at, why })), { at: to.text, why: undefined }];
  return places.map(({ at, why }, index) => ({
    from: places[index - 1]?.at ?? from.text,
    to: at,
    ...(why === undefined ? {} : { why }),
  }));
}

const compareTexts = (a: Release, text: string): number => {
  const b = releaseOf(text);
  return b ? compareReleases(a, b) : 0;
};

/** Where upstream's images are, by their tags. */
export const upstreamImage = "ghcr.io/open-webui/open-webui";

/** The release that an image is upstream's of; undefined: another image. */
export const releaseOfImage = (image: string): Release | undefined =>
  image.startsWith(`${upstreamImage}:`) ? releaseOf(image.slice(upstreamImage.length + 1)) : undefined;

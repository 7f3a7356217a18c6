import { formatDocument, isObject, isSameJson, type Json, type JsonObject } from "./json-document.ts";
import { member } from "./merge-json.ts";
import { type Shown, shown } from "./shown.ts";
import { VERSIONS, type Version, type Versions } from "./versions.ts";

/** One place of a document that is not the same in every version; null: it is not there. */
export type PlaceDifference = { path: string } & Versions<Shown | null>;

/** Where documents differ. */
export interface DocumentDiff {
  paths: PlaceDifference[];
  /** Places that differ and are not listed. */
  more: number;
}

/**
 * Where versions of a document differ, by path: `history.messages.<id>.content`. What source and remote both have is looked
 * into, lists by their elements' ids where these have ids; anything else is one place.
 * @param most places that are listed
 */
export function documentDiff(versions: Versions<Json | undefined>, most: number): DocumentDiff {
  // A version without the document says nothing about its places: a decision that is open, say.
  const present = VERSIONS.filter((version) => versions[version] !== undefined);
  const found = [...places(versions, present, [])];
  const paths = found.slice(0, most).map(
    ({ steps, at }): PlaceDifference => ({
      path: pathText(steps),
      ...mapVersions(at, (value) => (value === undefined ? null : shown(formatDocument(value)))),
    }),
  );
  return { paths, more: found.length - paths.length };
}

interface Place {
  steps: string[];
  at: Versions<Json | undefined>;
}

function* places(at: Versions<Json | undefined>, present: Version[], steps: string[]): Generator<Place> {
  if (present.every((version) => isSameJson(at[version], at.source))) return;
  const inside = mapVersions(at, membersOf);
  if (!inside.source || !inside.remote) {
    yield { steps, at };
    return;
  }
  const names = new Set(VERSIONS.flatMap((version) => Object.keys(inside[version] ?? {})));
  for (const name of names)
    yield* places(
      mapVersions(inside, (members) => member(members, name)),
      present,
      [...steps, name],
    );
}

/** What a value consists of by name: an object's members, or a list's elements by their ids. */
function membersOf(value: Json | undefined): JsonObject | undefined {
  if (!Array.isArray(value)) return isObject(value) ? value : undefined;
  const entries = value.map((element): [unknown, Json] => [member(element, "id"), element]);
  const isKeyed =
    value.length > 0 && entries.every((entry): entry is [string, Json] => typeof entry[0] === "string");
  return isKeyed ? Object.fromEntries(entries) : undefined;
}

const mapVersions = <From, To>(of: Versions<From>, to: (value: From) => To): Versions<To> => ({
  base: to(of.base),
  source: to(of.source),
  remote: to(of.remote),
  result: to(of.result),
});

/** `["history", "a b"]` as `history["a b"]`. */
const pathText = (steps: readonly string[]): string =>
  steps.reduce(
    (path, step) =>
      /^[\w-]+$/.test(step)
        ? `${path}${path && "."}${step}`
        : `${path}[${JSON.stringify(step.slice(0, 100))}]`,
    "",
  );

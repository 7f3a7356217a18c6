import {
  formatDocument,
  isObject,
  isSameJson,
  isScalar,
  type Json,
  type JsonObject,
} from "./json-document.ts";
import type { Side } from "./newest.ts";

/** The same place of three documents; undefined: it is not there. */
export interface Three<Value = Json | undefined> {
  base: Value;
  source: Value;
  remote: Value;
}

/** Makes one of a place that both sides changed, each in another way. */
export type Merge = (place: Three, newest: Side) => Json | undefined;

/** What only one side changed is that side's; what both did is merged: objects by name, lists of scalars as a union, all else newest. */
export function mergeJson(place: Three, newest: Side, both: Merge = mergeBoth): Json | undefined {
  const { base, source, remote } = place;
  if (isSameJson(source, remote) || isSameJson(base, remote)) return source;
  if (isSameJson(base, source)) return remote;
  return both(place, newest);
}

const mergeBoth: Merge = (place, newest) =>
  mergeObjects(place, newest) ?? union(place.source, place.remote) ?? place[newest];

/**
 * Two objects as one; undefined when one of them is no object.
 * @param own names whose values are merged in a way of their own, whoever changed them
 */
export function mergeObjects(
  { base, source, remote }: Three,
  newest: Side,
  own: ReadonlyMap<string, Merge> = new Map(),
): JsonObject | undefined {
  if (!isObject(source) || !isObject(remote)) return undefined;
  const names = new Set([...Object.keys(source), ...Object.keys(remote)]);
  const merged = [...names].map((name) => {
    const place = { base: member(base, name), source: member(source, name), remote: member(remote, name) };
    const value = own.get(name)?.(place, newest) ?? mergeJson(place, newest);
    return [name, value] as const;
  });
  // Not by assignment, which would take a member named __proto__ for the prototype.
  return Object.fromEntries(merged.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

export const member = (of: Json | undefined, name: string): Json | undefined =>
  isObject(of) && Object.hasOwn(of, name) ? of[name] : undefined;

/** Two lists of scalars as one without duplicates, the source's first; undefined when one of them is something else. */
export function union(source: Json | undefined, remote: Json | undefined): Json[] | undefined {
  if (!isScalarList(source) || !isScalarList(remote)) return undefined;
  return [...new Map([...source, ...remote].map((value) => [formatDocument(value), value])).values()];
}

const isScalarList = (value: Json | undefined): value is Json[] =>
  Array.isArray(value) && value.every(isScalar);

import { isMap, isScalar, isSeq, type Node, type Pair, parseDocument, stringify, type YAMLMap } from "yaml";
import type { Edit } from "./edit.ts";

/**
 * A stack's text with one edit made and every other byte as it was; undefined where that takes more than setting a
 * scalar, adding an entry to a mapping or taking one out.
 * @param path the keys as the file has them, `config` among them
 */
export function operated(text: string, { path, value }: Edit): string | undefined {
  const { contents } = parseDocument(text);
  let map: unknown = contents;
  for (const [depth, key] of path.entries()) {
    if (!isMap(map)) return undefined;
    const pair = pairOf(map, key);
    if (!pair) return value === undefined ? text : inserted(text, map, path.slice(depth), value);
    if (depth === path.length - 1)
      return value === undefined ? removed(text, map, pair) : replaced(text, pair, value);
    const inner = pair.value;
    if (isScalar(inner) && inner.value === null && value !== undefined)
      return insertedBelow(text, pair, path.slice(depth + 1), value);
    map = inner;
  }
  return undefined;
}

const pairOf = (map: YAMLMap, wanted: string): Pair | undefined =>
  map.items.find(({ key }) => isScalar(key) && String(key.value) === wanted);

/** Where the line ends in which a pair's last piece stands: behind its comment. */
function endOf(text: string, pair: Pair): number {
  let last: unknown = pair;
  for (;;) {
    if (isMap(last) && !last.flow) last = last.items.at(-1);
    else if (isSeq(last) && !last.flow) last = last.items.at(-1);
    else if (isPair(last)) last = hasRange(last.value) && !isEmpty(last.value) ? last.value : last.key;
    else break;
  }
  const end = hasRange(last) ? last.range[1] : text.length;
  if (text[end - 1] === "\n") return end;
  const line = text.indexOf("\n", end);
  return line < 0 ? text.length : line + 1;
}

const isPair = (node: unknown): node is Pair =>
  typeof node === "object" && node !== null && "key" in node && "value" in node;
const hasRange = (node: unknown): node is Node & { range: [number, number, number] } =>
  typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
const isEmpty = (node: unknown): boolean => isScalar(node) && node.value === null && node.source === "";

/** How far in a block mapping's keys stand; undefined of one in braces. */
function indentOf(text: string, map: YAMLMap): string | undefined {
  const [first] = map.items;
  if (map.flow || !first || !hasRange(first.key)) return undefined;
  const start = first.key.range[0];
  const indent = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return /^ *$/.test(indent) ? indent : undefined;
}

/** `{a: {b: 1}}` of the keys a, b and the value 1, as lines that are `indent` in. */
function rendered(keys: readonly string[], value: unknown, indent: string): string {
  const nested = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  return stringify(nested, { lineWidth: 0 }).replace(/^(?=.)/gm, indent);
}

const spliced = (text: string, from: number, to: number, by: string): string => {
  const before = text.slice(0, from);
  return (
    before + (before === "" || before.endsWith("\n") || !by.endsWith("\n") ? "" : "\n") + by + text.slice(to)
  );
};

function inserted(text: string, map: YAMLMap, keys: readonly string[], value: unknown): string | undefined {
  const indent = indentOf(text, map);
  const last = map.items.at(-1);
  if (indent === undefined || !last) return undefined;
  const at = endOf(text, last);
  return spliced(text, at, at, rendered(keys, value, indent));
}

/** Below a key that has nothing yet. */
function insertedBelow(
  text: string,
  pair: Pair,
  keys: readonly string[],
  value: unknown,
): string | undefined {
  if (!isEmpty(pair.value) || !hasRange(pair.key)) return undefined;
  const start = pair.key.range[0];
  const indent = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  if (!/^ *$/.test(indent)) return undefined;
  const at = endOf(text, pair);
  return spliced(text, at, at, rendered(keys, value, `${indent}  `));
}

function removed(text: string, map: YAMLMap, pair: Pair): string | undefined {
  if (indentOf(text, map) === undefined || map.items.length === 1 || !hasRange(pair.key)) return undefined;
  const start = text.lastIndexOf("\n", pair.key.range[0] - 1) + 1;
  return text.slice(0, start) + text.slice(endOf(text, pair));
}

function replaced(text: string, { value: there }: Pair, value: unknown): string | undefined {
  if (typeof value === "object" || !isScalar(there) || !hasRange(there) || isEmpty(there)) return undefined;
  const [from, to] = there.range;
  // What spans lines, before or behind, is left to others.
  const by = stringify(value, { lineWidth: 0 }).trimEnd();
  if (by.includes("\n") || text.slice(from, to).includes("\n")) return undefined;
  return text.slice(0, from) + by + text.slice(to);
}

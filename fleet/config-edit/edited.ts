import { isDeepStrictEqual } from "node:util";
import {
  type Document,
  isMap,
  isScalar,
  parse,
  parseDocument,
  type ToStringOptions,
  type YAMLMap,
} from "yaml";
import { project } from "../../toolchain/setup/stack-state.ts";
import type { Edit } from "./edit.ts";
import { operated } from "./surgery.ts";

/** Removing what a mapping holds leaves the mapping itself, where it is this deep: a tenant's entry stays an entry. */
const kept = 2;

/**
 * A stack's text with edits made: comments and order stay, and wherever an edit can be made in its own place alone,
 * every other byte does.
 */
export const edited = (text: string, edits: readonly Edit[]): string => edits.reduce(editedOnce, text);

function editedOnce(text: string, edit: Edit): string {
  const document = parseDocument(text);
  const before = document.toJS();
  const full = place(document, edit);
  apply(document, full);
  const after = document.toJS();
  if (isDeepStrictEqual(before, after)) return text;
  const exact = operated(text, full);
  // What was done by places has to mean what was done by meaning.
  if (exact !== undefined && isDeepStrictEqual(parse(exact), after)) return exact;
  return document.toString(styleOf(text));
}

/** Sets what stands beside `config`: the salt of a stack's secrets. */
export function withSalt(text: string, salt: string): string {
  const document = parseDocument(text);
  if (document.get("encryptionsalt") === salt) return text;
  const exact = operated(text, { path: ["encryptionsalt"], value: salt });
  if (exact !== undefined) return exact;
  document.set("encryptionsalt", salt);
  return document.toString(styleOf(text));
}

/** How the file is written: the first way that gives it back as it is. */
function styleOf(text: string): ToStringOptions {
  const ways = [true, false].flatMap((indentSeq) =>
    [true, false].flatMap((flowCollectionPadding) =>
      [2, 4].map((indent) => ({ lineWidth: 0, indent, indentSeq, flowCollectionPadding })),
    ),
  );
  return ways.find((way) => parseDocument(text).toString(way) === text) ?? { lineWidth: 0 };
}

/** The edit with the keys that the file has, from its top; a secret over a secret is a new ciphertext. */
function place(document: Document, { path: [first = "", ...rest], value }: Edit): Edit {
  const config = document.get("config");
  const path = ["config", isMap(config) ? keyIn(config, first) : first, ...rest];
  const there = document.getIn(path);
  if (isCiphertext(value) && isMap(there) && there.items.length === 1 && there.has("secure"))
    return { path: [...path, "secure"], value: value.secure };
  if (value !== undefined) return { path, value };
  // What would be left empty goes with it.
  while (path.length > kept + 2) {
    const around = document.getIn(path.slice(0, -1));
    if (!isMap(around) || around.items.length !== 1 || !around.has(path.at(-1))) break;
    path.pop();
  }
  return { path, value };
}

const isCiphertext = (value: unknown): value is { secure: string } =>
  typeof value === "object" && value !== null && "secure" in value && Object.keys(value).length === 1;

function apply(document: Document, { path, value }: Edit): void {
  if (value === undefined) {
    if (document.hasIn(path)) document.deleteIn(path);
    return;
  }
  // An entry that says nothing (`acme:`) becomes a mapping where something is put into it.
  for (let depth = 1; depth < path.length; depth++)
    if (document.getIn(path.slice(0, depth)) === null)
      document.setIn(path.slice(0, depth), document.createNode({}));
  const there = document.getIn(path, true);
  // A scalar keeps its comment and its place.
  if (isScalar(there) && typeof value !== "object") there.value = value;
  else document.setIn(path, document.createNode(value));
}

/** A key as the file has it: Pulumi's CLI writes the project's name before it, people do not. */
function keyIn(map: YAMLMap, wanted: string): string {
  const keys = map.items.map(({ key }) => String(isScalar(key) ? key.value : key));
  return keys.find((key) => key === wanted) ?? keys.find((key) => key === `${project}:${wanted}`) ?? wanted;
}

/** What stands at a path below `config`, as plain data. */
export function valueAt(text: string, [first = "", ...rest]: readonly string[]): unknown {
  const document = parseDocument(text);
  const config = document.get("config");
  if (!isMap(config)) return undefined;
  const found: unknown = document.getIn(["config", keyIn(config, first), ...rest]);
  return isMap(found) ? found.toJS(document) : found;
}

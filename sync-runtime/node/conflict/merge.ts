import { mergeChat } from "./chat-document.ts";
import { formatDocument, isSameJson, parseDocument } from "./json-document.ts";
import type { Meeting } from "./meeting.ts";
import { mergeJson } from "./merge-json.ts";
import type { Side } from "./newest.ts";
import { isSameValue, valueIn } from "./row-image.ts";

/**
 * Characters up to which a document is merged. Three versions of it are in memory then, and nothing else is done meanwhile:
 * one of 36 MB took 7 s and 1 GB on a busy machine, which costs a node its lease.
 */
const LONGEST = 4_000_000;

/** Whose a field of a merged row is. */
export interface MergedField {
  column: string;
  value: unknown;
  of: Side | "both";
  /** Both sides changed it, each in another way. */
  contested: boolean;
  /** It is a document, and too long to be merged. */
  tooLong?: true;
}

export interface Merged {
  row: Record<string, unknown>;
  /** What is not as it was last verified; fields that both sides changed alike are the source's. */
  changed: MergedField[];
}

/** Two rows as one, field by field, in the columns of the source's; both have to be there. */
export function mergeRows(meeting: Meeting, newest: Side): Merged {
  const { base, source } = meeting;
  const fields = Object.keys(source ?? {}).map((column) => mergeField(meeting, column, newest));
  return {
    // Not by assignment, which would take a column named __proto__ for the prototype.
    row: Object.fromEntries(fields.map(({ column, value }) => [column, value])),
    changed: fields.filter(
      ({ column, value, contested }) => contested || !base || !isSameValue(valueIn(base, column), value),
    ),
  };
}

function mergeField({ table, types, ...images }: Meeting, column: string, newest: Side): MergedField {
  const [base, source, remote] = [images.base, images.source, images.remote].map((row) =>
    valueIn(row, column),
  );
  const settled = { column, contested: false };
  if (isSameValue(source, remote)) return { ...settled, value: source, of: "source" };
  if (images.base && isSameValue(base, remote)) return { ...settled, value: source, of: "source" };
  if (images.base && isSameValue(base, source)) return { ...settled, value: remote, of: "remote" };
  const isChat = table === "chat" && column === "chat";
  const value = newest === "source" ? source : remote;
  const contested = { column, contested: true, value, of: newest };
  if (!isChat && !isJson(types, column)) return contested;
  if ([base, source, remote].some(isTooLong)) return { ...contested, tooLong: true };
  return { ...contested, ...mergeDocuments({ base, source, remote }, newest, isChat) };
}

const isTooLong = (text: unknown): boolean => typeof text === "string" && text.length > LONGEST;

const isJson = (types: Meeting["types"], column: string): boolean =>
  Object.hasOwn(types, column) && types[column]?.startsWith("json") === true;

/** Two documents as one; undefined when one of them is not to be read, or is none. A side's own text stays as it is. */
function mergeDocuments(
  texts: { base: unknown; source: unknown; remote: unknown },
  newest: Side,
  isChat: boolean,
): { value: unknown; of: Side | "both" } | undefined {
  const [base, source, remote] = [texts.base, texts.source, texts.remote].map(parseDocument);
  if (source === undefined || remote === undefined) return undefined;
  const place = { base, source, remote };
  const merged = (isChat ? mergeChat(place, newest) : undefined) ?? mergeJson(place, newest) ?? null;
  if (isSameJson(merged, source)) return { value: texts.source, of: "source" };
  if (isSameJson(merged, remote)) return { value: texts.remote, of: "remote" };
  return { value: formatDocument(merged), of: "both" };
}

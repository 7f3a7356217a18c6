import { formatDocument, isObject, type Json, type JsonObject } from "./json-document.ts";
import { type Merge, member, mergeJson, mergeObjects, type Three, union } from "./merge-json.ts";
import type { Side } from "./newest.ts";

/**
 * The messages of a chat by their ids, as `history.messages` holds them: all that either side has, and a message that both
 * have merged by its fields. Then every message is linked once more, since a side that lacked one did not link it.
 * Undefined when one side holds something else.
 */
export const mergeMessages: Merge = ({ base, source = {}, remote = {} }, newest) => {
  if (!isObject(source) || !isObject(remote)) return undefined;
  const ids = new Set([...Object.keys(source), ...Object.keys(remote)]);
  const merged = [...ids].map((id): [string, Json] => {
    const place = { base: member(base, id), source: member(source, id), remote: member(remote, id) };
    return [id, eitherOrMerged(place, newest)];
  });
  return relinked(Object.fromEntries(merged));
};

/**
 * The list `messages` of a chat, its current branch: the source's, then what only the remote list has, by message id (and by
 * its content where a message has none). Undefined when one side holds something else.
 */
export const mergeMessageList: Merge = ({ base, source = [], remote = [] }, newest) => {
  if (!Array.isArray(source) || !Array.isArray(remote)) return undefined;
  const [theirs, edited, before] = [byId(source), byId(remote), byId(Array.isArray(base) ? base : [])];
  return [...new Set([...theirs.keys(), ...edited.keys()])].map((id) =>
    eitherOrMerged({ base: before.get(id), source: theirs.get(id), remote: edited.get(id) }, newest),
  );
};

/** A message that one side lacks is the other's, whoever of them removed or added it. */
const eitherOrMerged = (place: Three, newest: Side): Json =>
  place.source === undefined || place.remote === undefined
    ? ((place.source ?? place.remote) as Json)
    : (mergeJson(place, newest, mergeMessage) as Json);

/** Children are a union whoever changed them: which of them are a message's own is said by the children. */
const mergeMessage: Merge = (place, newest) =>
  mergeObjects(place, newest, new Map([["childrenIds", ({ source, remote }) => union(source, remote)]])) ??
  place[newest];

function byId(list: Json[]): Map<string, Json> {
  return new Map(
    list.map((message) => {
      const id = member(message, "id");
      return [typeof id === "string" ? `id ${id}` : formatDocument(message), message];
    }),
  );
}

/** The same messages, where each stands among the children of its parent and of no other message. */
function relinked(messages: JsonObject): JsonObject {
  const children = new Map<string, Set<Json>>();
  for (const [id, message] of Object.entries(messages)) {
    const parent = member(message, "parentId");
    if (typeof parent !== "string") continue;
    const siblings = children.get(parent);
    if (siblings) siblings.add(id);
    else children.set(parent, new Set([id]));
  }
  const link = ([id, message]: [string, Json]): [string, Json] => {
    const had = member(message, "childrenIds");
    if (!isObject(message) || !Array.isArray(had)) return [id, message];
    const own = children.get(id) ?? new Set<Json>();
    const kept = had.filter((child) => own.has(child) || !hasParent(messages, child));
    return [id, { ...message, childrenIds: [...new Set([...kept, ...own])] }];
  };
  return Object.fromEntries(Object.entries(messages).map(link));
}

const hasParent = (messages: JsonObject, id: Json): boolean =>
  typeof id === "string" && typeof member(member(messages, id), "parentId") === "string";

import { mergeMessageList, mergeMessages } from "./chat-messages.ts";
import { type Merge, mergeObjects } from "./merge-json.ts";

/** The tree of all messages, and which of them is the current one. */
const mergeHistory: Merge = ({ base, source = {}, remote = {} }, newest) =>
  mergeObjects({ base, source, remote }, newest, new Map([["messages", mergeMessages]]));

const CHAT: ReadonlyMap<string, Merge> = new Map([
  ["history", mergeHistory],
  ["messages", mergeMessageList],
]);

/**
 * The document of a chat (`chat.chat`) that both sides changed: no message of either side is lost, all else is merged as in
 * any document. Undefined when one of them is no document of a chat.
 */
export const mergeChat: Merge = (place, newest) => mergeObjects(place, newest, CHAT);

import type { Random } from "./random.ts";
import { markdown, picture, shortText } from "./text.ts";

/** One message of a chat, as Open WebUI's browser side keeps it. */
export interface ChatMessage {
  id: string;
  parentId: string | null;
  childrenIds: string[];
  role: "user" | "assistant";
  content: string;
  timestamp: number;
  [further: string]: unknown;
}

/** What stands in `chat.chat`: the tree of all answers, and its current branch once more as a list. */
export interface ChatDocument {
  id: string;
  title: string;
  models: string[];
  params: Record<string, unknown>;
  history: { messages: Record<string, ChatMessage>; currentId: string | null };
  messages: ChatMessage[];
  tags: string[];
  timestamp: number;
  files: unknown[];
}

export const MODELS = ["gpt-oss:20b", "llama3.3:70b", "qwen3-coder:30b", "anthropic/claude"];
const EPOCH_MILLISECONDS = 1_763_700_000_000;
/** JSON of one question and its answer, both twice in the document. */
const TURN_BYTES = 10_000;
/** What a turn has beside its texts. */
const TURN_FRAME_BYTES = 1_400;

/** A conversation whose JSON takes about `bytes`; a hundred turns are 1 MB. */
export function chatDocument(random: Random, bytes: number): ChatDocument {
  const document: ChatDocument = {
    id: "",
    title: shortText(random),
    models: [random.pick(MODELS)],
    params: random.chance(0.2) ? { temperature: 0.7, system: shortText(random) } : {},
    history: { messages: {}, currentId: null },
    messages: [],
    tags: [],
    timestamp: EPOCH_MILLISECONDS + random.below(1e9),
    files: [],
  };
  const turns = Math.max(1, Math.round(bytes / TURN_BYTES));
  const text = Math.max(100, (bytes / turns - TURN_FRAME_BYTES) / 2.1);
  for (let turn = 0; turn < turns; turn++) grow(document, random, text);
  document.messages = branch(document.history);
  return document;
}

/** Asks and answers once more; gives the new messages. */
export function addTurn(document: ChatDocument, random: Random, characters = 4000): ChatMessage[] {
  const added = grow(document, random, characters);
  document.messages = branch(document.history);
  return added;
}

/** A question and its answer behind the current one; now and then an answer was made anew, beside the first. */
function grow(document: ChatDocument, random: Random, characters: number): ChatMessage[] {
  const { history, models } = document;
  const question = message(random, history.currentId, "user", markdown(random, characters * 0.06));
  question.models = models;
  if (random.chance(0.25)) question.files = [{ type: "image", url: picture(random, characters * 0.5) }];
  link(history, question);
  const added = [question];
  for (let answers = random.chance(0.08) ? 2 : 1; answers > 0; answers--) {
    const answer = message(random, question.id, "assistant", markdown(random, (characters * 0.9) / answers));
    Object.assign(answer, {
      model: models[0],
      modelName: models[0],
      modelIdx: 0,
      userContext: null,
      done: true,
      usage: {
        prompt_tokens: random.below(9000),
        completion_tokens: random.below(2000),
        total_duration: random.next(),
      },
    });
    link(history, answer);
    added.push(answer);
  }
  return added;
}

function message(
  random: Random,
  parentId: string | null,
  role: ChatMessage["role"],
  content: string,
): ChatMessage {
  const timestamp = EPOCH_MILLISECONDS / 1000 + random.below(1e6);
  return { id: random.uuid(), parentId, childrenIds: [], role, content, timestamp };
}

function link(history: ChatDocument["history"], child: ChatMessage): void {
  history.messages[child.id] = child;
  if (child.parentId) history.messages[child.parentId]?.childrenIds.push(child.id);
  history.currentId = child.id;
}

/** The messages from the first to the current one. */
function branch({ messages, currentId }: ChatDocument["history"]): ChatMessage[] {
  const list: ChatMessage[] = [];
  for (let at = currentId; at; ) {
    const found = messages[at];
    if (!found) break;
    list.push(found);
    at = found.parentId;
  }
  return list.reverse();
}

import { describe, expect, test } from "vitest";
import { mergeRows } from "../../../../sync-runtime/node/conflict/merge.ts";
import { addTurn, type ChatDocument, chatDocument } from "../../../support/webui/chat-document.ts";
import { Random } from "../../../support/webui/random.ts";
import { meeting } from "./meetings.ts";

/** A chat as it was verified, and what two sides made of it. */
function diverged(
  base: ChatDocument,
  theirs: (chat: ChatDocument) => void,
  edit: (chat: ChatDocument) => void,
) {
  const [source, remote] = [structuredClone(base), structuredClone(base)];
  theirs(source);
  edit(remote);
  return { base, source, remote };
}

function merge(
  { base, source, remote }: ReturnType<typeof diverged>,
  newest: "source" | "remote" = "source",
  types = { chat: "json" },
): ChatDocument {
  const [before, one, other] = [base, source, remote].map((chat) => ({ chat: JSON.stringify(chat) }));
  const { row } = mergeRows(meeting(before ?? null, one ?? null, other ?? null, { types }), newest);
  return JSON.parse(row.chat as string);
}

const ids = (chat: ChatDocument) => Object.keys(chat.history.messages);

describe("a chat that went on, on both sides", () => {
  const random = new Random(5);
  const turns = diverged(
    chatDocument(random, 30_000),
    (chat) => addTurn(chat, random),
    (chat) => addTurn(chat, random),
  );

  test("has the messages of both, each once", () => {
    const chat = merge(turns);
    expect(new Set(ids(chat))).toEqual(new Set([...ids(turns.source), ...ids(turns.remote)]));
    const listed = chat.messages.map(({ id }) => id);
    expect(new Set(listed)).toEqual(
      new Set([...turns.source.messages, ...turns.remote.messages].map(({ id }) => id)),
    );
    expect(listed).toHaveLength(new Set(listed).size);
  });

  test("links both continuations to the message they continue", () => {
    const chat = merge(turns);
    const last = turns.base.history.currentId as string;
    const continued = [turns.source, turns.remote].flatMap(
      ({ history }) => history.messages[last]?.childrenIds.slice(-1) ?? [],
    );
    expect(chat.history.messages[last]?.childrenIds).toEqual(expect.arrayContaining(continued));
    expectLinked(chat);
  });

  test.each(["source", "remote"] as const)("stands where the newest left it, here %s", (newest) => {
    expect(merge(turns, newest).history.currentId).toBe(turns[newest].history.currentId);
  });

  test("is merged also where its column is of text, as old versions have it", () => {
    expect(merge(turns, "source", { chat: "text" })).toEqual(merge(turns));
  });

  test("merged again with either side it stays as it is", () => {
    const remote = merge(turns);
    expect(merge({ ...turns, remote })).toEqual(remote);
    expect(merge({ ...turns, source: remote, remote: turns.remote })).toEqual(remote);
  });
});

test("a message that one side removed and the other has, stays and is linked", () => {
  const random = new Random(6);
  const turns = diverged(
    chatDocument(random, 40_000),
    (chat) => removeLast(chat),
    (chat) => {
      chat.title = "edited";
    },
  );
  const chat = merge(turns);
  expect(new Set(ids(chat))).toEqual(new Set(ids(turns.remote)));
  expect(chat.title).toBe("edited");
  expectLinked(chat);
});

test("a message that both changed is merged by its fields", () => {
  const turns = diverged(
    chatDocument(new Random(7), 10_000),
    (chat) => Object.assign(Object.values(chat.history.messages)[0] ?? {}, { content: "source" }),
    (chat) => Object.assign(Object.values(chat.history.messages)[0] ?? {}, { content: "edit", rating: 1 }),
  );
  expect(Object.values(merge(turns).history.messages)[0]).toMatchObject({ content: "source", rating: 1 });
});

test("one that was moved stands among the children of its new parent only", () => {
  const message = (id: string, parentId: string | null, ...childrenIds: string[]) => ({
    id,
    parentId,
    childrenIds,
  });
  const base = tree(message("a", null, "c"), message("b", null), message("c", "a"));
  const turns = diverged(
    base,
    (chat) =>
      Object.assign(
        chat.history,
        tree(message("a", null, "d"), message("b", null, "c"), message("c", "b"), message("d", "a")).history,
      ),
    (chat) =>
      Object.assign(
        chat.history,
        tree(message("a", null, "c", "e"), message("b", null), message("c", "a"), message("e", "a")).history,
      ),
  );
  const { messages } = merge(turns).history;
  expect(messages.a?.childrenIds).toEqual(["d", "e"]);
  expect(messages.b?.childrenIds).toEqual(["c"]);
});

test("lists are appended also where messages have no id, and one side has no list", () => {
  const chat = (...messages: unknown[]) =>
    ({ ...chatDocument(new Random(8), 10_000), messages }) as ChatDocument;
  const turns = {
    base: chat(),
    source: chat({ content: "a" }, { id: "1" }),
    remote: chat({ id: "1" }, { content: "b" }),
  };
  expect(merge(turns).messages).toEqual([{ content: "a" }, { id: "1" }, { content: "b" }]);
  const { messages, ...without } = turns.source;
  expect(merge({ ...turns, source: without as ChatDocument }).messages).toEqual(turns.remote.messages);
});

test("what is no document of a chat is the newest's", () => {
  const met = meeting({ chat: "1" }, { chat: "[]" }, { chat: '{"history":{"messages":[]}}' });
  expect(mergeRows(met, "remote").row.chat).toBe('{"history":{"messages":[]}}');
});

function tree(...messages: { id: string }[]): ChatDocument {
  const byId = Object.fromEntries(messages.map((message) => [message.id, message]));
  return { history: { messages: byId, currentId: null } } as unknown as ChatDocument;
}

function removeLast(chat: ChatDocument): void {
  const { messages, currentId } = chat.history;
  const last = messages[currentId as string];
  const parent = messages[last?.parentId as string];
  if (!last || !parent) throw new Error("the chat has one message only");
  delete messages[last.id];
  parent.childrenIds = parent.childrenIds.filter((id) => id !== last.id);
  chat.history.currentId = parent.id;
  chat.messages.pop();
}

function expectLinked({ history: { messages } }: ChatDocument): void {
  for (const { id, parentId, childrenIds } of Object.values(messages)) {
    if (parentId) expect(messages[parentId]?.childrenIds).toContain(id);
    for (const child of childrenIds) expect(messages[child]?.parentId).toBe(id);
  }
}

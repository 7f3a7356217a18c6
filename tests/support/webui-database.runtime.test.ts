import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { zstdCompressSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { contentsOfFile } from "./table-contents.ts";
import { WebuiApplication } from "./webui-application.ts";
import { createWebuiDatabase, type WebuiDatabaseOptions } from "./webui-database.ts";
import { webuiSchemas } from "./webui-schema.ts";

const directory = mkdtempSync(join(tmpdir(), "webui-"));
afterAll(() => rmSync(directory, { recursive: true }));

let made = 0;
const make = (options: Partial<WebuiDatabaseOptions> = {}): string => {
  const path = join(directory, `${++made}.db`);
  createWebuiDatabase(path, { schema: "v0.11.3-fresh", journal: "wal", ...options });
  return path;
};
const hashOf = (path: string) =>
  createHash("sha256")
    .update(JSON.stringify(contentsOfFile(path)))
    .digest("hex");
const numberOf = (database: DatabaseSync, sql: string) =>
  Number(Object.values(database.prepare(sql).get() ?? {})[0]);

test("the same options make the same rows, another seed makes others", () => {
  const [first, same, other] = [make(), make(), make({ seed: 2 })].map(hashOf);
  expect(same).toBe(first);
  expect(other).not.toBe(first);
});

test("a database is as large as it was asked to be, and its chats shrink to about a third", () => {
  const path = make({ megabytes: 8 });
  expect(statSync(path).size / 8e6).toBeGreaterThan(0.85);
  expect(statSync(path).size / 8e6).toBeLessThan(1.15);
  using database = new DatabaseSync(path);
  const chats = database.prepare("SELECT chat FROM chat").all();
  const text = Buffer.from(chats.map(({ chat }) => chat).join(""));
  const ratio = text.length / zstdCompressSync(text).length;
  expect(ratio).toBeGreaterThan(2.5);
  expect(ratio).toBeLessThan(4.5);
});

test("rows belong together: chats have users, messages are their chat's, and the tree is whole", () => {
  using database = new DatabaseSync(make({ megabytes: 2 }));
  expect(numberOf(database, 'SELECT count(*) FROM chat WHERE user_id NOT IN (SELECT id FROM "user")')).toBe(
    0,
  );
  expect(
    numberOf(database, "SELECT count(*) FROM chat_message WHERE chat_id NOT IN (SELECT id FROM chat)"),
  ).toBe(0);
  expect(
    numberOf(database, "SELECT count(*) FROM file f JOIN chat_file c ON c.file_id = f.id"),
  ).toBeGreaterThan(0);
  const chat = database.prepare("SELECT chat FROM chat ORDER BY length(chat) DESC").get()?.chat as string;
  const { history, messages } = JSON.parse(chat);
  expect(messages.length).toBeGreaterThan(10);
  expect(messages.at(-1)).toEqual(history.messages[history.currentId]);
  for (const { parentId, id } of messages)
    if (parentId) expect(history.messages[parentId].childrenIds).toContain(id);
});

test.each(webuiSchemas)("in %s people can do what they do", (schema) => {
  using database = new DatabaseSync(make({ schema, chats: 10 }));
  const before = numberOf(database, "SELECT total(length(chat)) FROM chat");
  const application = new WebuiApplication(database);
  const done = new Set<string>();
  for (let step = 0; step < 60; step++) done.add(application.act());
  application.removeAccount();
  expect(done.size).toBeGreaterThan(8);
  expect(numberOf(database, "SELECT total(length(chat)) FROM chat")).not.toBe(before);
  expect(numberOf(database, "SELECT count(*) FROM chat")).toBeGreaterThan(0);
});

test("a message rewrites its whole chat, a new title leaves the moment of change alone", () => {
  using database = new DatabaseSync(make());
  const application = new WebuiApplication(database);
  const id = database.prepare("SELECT id FROM chat LIMIT 1").get()?.id as string;
  const read = () =>
    database.prepare("SELECT length(chat) AS bytes, title, updated_at FROM chat WHERE id = ?").get(id);
  database.exec(`UPDATE chat SET updated_at = 7 WHERE id = '${id}'`);
  const before = read();
  application.retitle(id);
  expect(read()).toMatchObject({ updated_at: 7, bytes: before?.bytes });
  expect(read()?.title).not.toBe(before?.title);
  application.say(id);
  expect(read()?.updated_at).toBe(8);
  expect(Number(read()?.bytes)).toBeGreaterThan(Number(before?.bytes));
});

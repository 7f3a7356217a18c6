import { describe, expect, it } from "vitest";
import { encodeFrame, encodeJsonFrame, FrameType } from "../../../sync-runtime/protocol/frame.ts";
import { type Header, type Message, readMessages } from "../../../sync-runtime/protocol/message.ts";

const sync = "0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10";
const column = { name: "id", declared: "TEXT" };
const header: Header = {
  sync,
  generation: 1,
  mode: "full",
  base: null,
  identity: { fleet: "local", tenant: "acme", id: sync, created: "2025-11-21T12:00:00Z" },
  tables: [
    { name: "chat", columns: [column], key: ["id"], ddl: ["CREATE TABLE chat (id TEXT PRIMARY KEY)"] },
    { name: "tag", columns: [column], key: null, ddl: ["CREATE TABLE tag (id TEXT)"] },
  ],
  work: [
    { table: "chat", whole: true, rows: 1, removed: 0, bytes: 1 },
    { table: "tag", whole: true, rows: 0, removed: 0, bytes: 0 },
  ],
  source: { objects: [], pragmas: { user_version: 0, application_id: 0, page_size: 4096, auto_vacuum: 0 } },
  skipped: [],
};
/** What is to be done to a replica that holds an older sync: one row comes, two go. */
const delta: Header = {
  ...header,
  mode: "delta",
  base: "1b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10",
  work: [{ table: "tag", whole: false, rows: 1, removed: 2, bytes: 1 }],
};
const sum = "0".repeat(64);
const manifest = {
  sync,
  tables: [
    { name: "chat", rows: 1, sum },
    { name: "tag", rows: 0, sum },
  ],
};
const failure = { code: "database-busy", message: "It is busy.", remedy: "Wait." };

const frames = {
  header: encodeJsonFrame(FrameType.header, header),
  chat: encodeJsonFrame(FrameType.table, { table: "chat" }),
  tag: encodeJsonFrame(FrameType.table, { table: "tag" }),
  rows: encodeFrame(FrameType.rows, Buffer.from("N")),
  delta: encodeJsonFrame(FrameType.header, delta),
  removed: encodeFrame(FrameType.removed, Buffer.alloc(64)),
  manifest: encodeJsonFrame(FrameType.manifest, manifest),
  unchanged: encodeJsonFrame(FrameType.unchanged, { sync, tables: 2, rows: 1 }),
  error: encodeJsonFrame(FrameType.error, failure),
};

const read = (...parts: Buffer[]): Promise<Message[]> => Array.fromAsync(readMessages(streamOf(parts)));
async function* streamOf(parts: Buffer[]) {
  yield* parts;
}

describe("an answer of the agent", () => {
  it("is read message by message", async () => {
    const { header: h, chat, rows, tag, manifest: m } = frames;
    expect(await read(h, chat, rows, tag, m)).toEqual([
      { type: "header", header },
      { type: "table", table: header.tables[0], work: header.work[0] },
      { type: "rows", table: header.tables[0], bytes: Buffer.from("N") },
      { type: "table", table: header.tables[1], work: header.work[1] },
      { type: "manifest", manifest },
    ]);
  });

  it("may be a delta: only what changed, and the digests of what went", async () => {
    const { delta: h, tag, rows, removed, manifest: m } = frames;
    expect(await read(h, tag, rows, removed, m)).toEqual([
      { type: "header", header: delta },
      { type: "table", table: header.tables[1], work: delta.work[0] },
      { type: "rows", table: header.tables[1], bytes: Buffer.from("N") },
      { type: "removed", table: header.tables[1], digests: Buffer.alloc(64) },
      { type: "manifest", manifest },
    ]);
  });

  it("may be `unchanged` alone", async () => {
    expect(await read(frames.unchanged)).toEqual([
      { type: "unchanged", unchanged: { sync, tables: 2, rows: 1 } },
    ]);
  });

  it("may be an error, also in the middle", async () => {
    expect(await read(frames.error)).toEqual([{ type: "error", error: failure }]);
    expect((await read(frames.header, frames.chat, frames.error)).at(-1)).toEqual({
      type: "error",
      error: failure,
    });
  });

  it("counts as interrupted without its last frame", async () => {
    const { header: h, chat, rows, tag } = frames;
    for (const parts of [[], [h], [h, chat], [h, chat, rows], [h, chat, rows, tag]])
      await expect(read(...parts)).rejects.toMatchObject({ code: "stream-interrupted" });
  });

  it.each<[string, (keyof typeof frames)[]]>([
    ["rows before a table", ["header", "rows"]],
    ["a table before the header", ["chat"]],
    ["tables in another order", ["header", "tag"]],
    ["a table twice", ["header", "chat", "chat"]],
    ["a second header", ["header", "header"]],
    ["a manifest before every table came", ["header", "chat", "manifest"]],
    ["a manifest without a header", ["manifest"]],
    ["`unchanged` behind a header", ["header", "unchanged"]],
    ["something behind its end", ["unchanged", "rows"]],
    ["removed rows of a table that came whole", ["header", "chat", "removed"]],
    ["removed rows before a table", ["delta", "removed"]],
    ["a table that the delta did not announce", ["delta", "chat"]],
    ["a manifest before all that the delta announced", ["delta", "manifest"]],
  ])("is refused with %s", async (_, names) => {
    await expect(read(...names.map((name) => frames[name]))).rejects.toMatchObject({
      code: "stream-malformed",
    });
  });

  it.each([
    ["an unknown frame type", Buffer.concat([Buffer.from([0, 0, 0, 0, 99])])],
    ["a header that is not JSON", encodeFrame(FrameType.header, Buffer.from("{"))],
    ["a header without tables", encodeJsonFrame(FrameType.header, { ...header, tables: undefined })],
    ["a mode it does not know", encodeJsonFrame(FrameType.header, { ...header, mode: "some" })],
    ["a delta without a base", encodeJsonFrame(FrameType.header, { ...delta, base: null })],
    ["everything, relative to a base", encodeJsonFrame(FrameType.header, { ...header, base: sync })],
    ["everything, without a table", encodeJsonFrame(FrameType.header, { ...header, work: delta.work })],
    [
      "a table twice",
      encodeJsonFrame(FrameType.header, { ...delta, tables: [header.tables[0], header.tables[0]] }),
    ],
    [
      "work of a table it does not have",
      encodeJsonFrame(FrameType.header, { ...delta, work: [{ ...delta.work[0], table: "user" }] }),
    ],
    [
      "removed rows that are no digests",
      Buffer.concat([frames.delta, frames.tag, encodeFrame(FrameType.removed, Buffer.alloc(33))]),
    ],
    [
      "a table name that cannot be kept",
      encodeJsonFrame(FrameType.header, { ...header, tables: [{ ...header.tables[0], name: "_replica_x" }] }),
    ],
    [
      "a column name beyond Postgres' length",
      encodeJsonFrame(FrameType.header, {
        ...header,
        tables: [{ ...header.tables[0], columns: [{ name: "x".repeat(64), declared: "" }] }],
      }),
    ],
  ])("is refused with %s", async (_, frame) => {
    await expect(read(frame)).rejects.toMatchObject({ code: "stream-malformed" });
  });

  it("is refused when its manifest speaks of another sync or other tables", async () => {
    const { header: h, chat, rows, tag } = frames;
    const others = [
      { ...manifest, sync: "7b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10" },
      { ...manifest, tables: manifest.tables.slice(0, 1) },
      { ...manifest, tables: [...manifest.tables].reverse() },
    ];
    for (const other of others)
      await expect(read(h, chat, rows, tag, encodeJsonFrame(FrameType.manifest, other))).rejects.toThrow(
        "manifest",
      );
  });
});

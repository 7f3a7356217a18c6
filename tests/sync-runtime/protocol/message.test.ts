import { describe, expect, it } from "vitest";
import { encodeFrame, encodeJsonFrame, FrameType } from "../../../sync-runtime/protocol/frame.ts";
import { type Header, type Message, readMessages } from "../../../sync-runtime/protocol/message.ts";

const sync = "0b9f5e0e-6a53-4f0e-8d0c-6a1b1f1f9f10";
const column = { name: "id", declared: "TEXT" };
const header: Header = {
  sync,
  generation: 1,
  mode: "full",
  identity: { fleet: "local", tenant: "acme", id: sync, created: "2025-11-21T12:00:00Z" },
  tables: [
    { name: "chat", columns: [column], key: ["id"], ddl: "CREATE TABLE chat (id TEXT PRIMARY KEY)" },
    { name: "tag", columns: [column], key: null, ddl: "CREATE TABLE tag (id TEXT)" },
  ],
  skipped: [],
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
  chat: encodeJsonFrame(FrameType.table, { table: "chat", rows: 1 }),
  tag: encodeJsonFrame(FrameType.table, { table: "tag", rows: 0 }),
  rows: encodeFrame(FrameType.rows, Buffer.from("N")),
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
      { type: "table", table: header.tables[0], rows: 1 },
      { type: "rows", table: header.tables[0], bytes: Buffer.from("N") },
      { type: "table", table: header.tables[1], rows: 0 },
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
  ])("is refused with %s", async (_, names) => {
    await expect(read(...names.map((name) => frames[name]))).rejects.toMatchObject({
      code: "stream-malformed",
    });
  });

  it.each([
    ["an unknown frame type", Buffer.concat([Buffer.from([0, 0, 0, 0, 99])])],
    ["a header that is not JSON", encodeFrame(FrameType.header, Buffer.from("{"))],
    ["a header without tables", encodeJsonFrame(FrameType.header, { ...header, tables: undefined })],
    ["a mode it does not know", encodeJsonFrame(FrameType.header, { ...header, mode: "delta" })],
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

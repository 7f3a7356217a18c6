import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { query } from "../../../../sync-runtime/database/query.ts";
import type { ApiContext } from "../../../../sync-runtime/node/api/route.ts";
import { conflictRoutes } from "../../../../sync-runtime/node/api/routes/conflicts.ts";
import type { ScriptedSource } from "../scripted-source.ts";
import { type TestReplica, TestReplicas } from "../test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;
let api: ApiContext;

beforeAll(async () => {
  replicas = await TestReplicas.create();
  const client = await replicas.database.connect("sync_main");
  const rows = async (name: string, parameters: unknown[] = []) =>
    (await client.query(query(name), parameters)).rows;
  api = { postgres: { rows }, log: pino({ enabled: false }) } as unknown as ApiContext;
});
afterAll(() => replicas[Symbol.asyncDispose]());

const chat = (...ids: string[]) => ({
  history: { messages: Object.fromEntries(ids.map((id) => [id, { id, content: `says ${id}` }])) },
});

beforeEach(async () => {
  replica = replicas.nextTenant();
  source = replica.source;
  // config waits for an operator; chat is merged; all else is the source's.
  source.tables = {
    config: {
      columns: ["key TEXT", "value JSON", "updated_at INTEGER", "note TEXT"],
      key: ["key"],
      rows: [["ui", '{"secret":1}', 1_000n, "was"]],
    },
    chat: { columns: ["id TEXT", "chat JSON"], key: ["id"], rows: [["c", JSON.stringify(chat("m1"))]] },
    file: { columns: ["id TEXT", "name TEXT"], key: ["id"], rows: [["f", "was"]] },
  };
  await replica.sync();
});

/** What somebody does in SQL; `$` stands for the replica's schema. */
const write = (statement: string, values: unknown[] = []) =>
  replicas.admin.query(statement.replaceAll("$.", `"tenant_${replica.tenant}".`), values);

/** A route's answer, its parts parsed as the server does it. */
async function call(path: string, parts: { params?: object; query?: object; body?: object } = {}) {
  const route = conflictRoutes.find((route) => route.path === `/api/v1/sync/${path}`);
  if (!route) throw new Error(`there is no route ${path}`);
  const { params = z.object({}), query = z.object({}), body = z.unknown(), answer } = route;
  const given = {
    params: params.parse(parts.params ?? {}),
    query: query.parse(parts.query ?? {}),
    body: body.parse(parts.body),
    caller: { subject: "ana", token: "1" },
  };
  return answer.parse(await route.handle(given as never, api)) as never;
}
const list = async (query: object = {}): Promise<{ conflicts: { id: string }[]; next: string | null }> =>
  call("conflicts", { query: { client: replica.tenant, ...query } });
const diff = async (id: string): Promise<{ conflict: object; fields: { column: string }[] }> =>
  call("conflicts/{id}/diff", { params: { id } });
const resolve = async (id: string, body: object) => call("resolve/{id}", { params: { id }, body });
/** The one conflict that waits. */
const pending = async () => (await list({ status: "pending" })).conflicts[0]?.id ?? "";
const values = () => replica.rowsOf("config", "key, value::text, note");

describe("conflicts are listed", () => {
  test("with what happened and who decided, newest first, by tenant and by state", async () => {
    await write("UPDATE $.config SET note = 'edit'");
    await replica.sync(source.unchanged);
    await write("UPDATE $.file SET name = 'edit'");
    await replica.sync(source.unchanged);
    expect((await list()).conflicts).toMatchObject([
      {
        ...{
          client: replica.tenant,
          table: "file",
          key: { id: "f" },
          type: "none/update",
          strategy: "source_wins",
        },
        ...{
          winner: "source",
          why: "In file the source always wins.",
          edited_by: "postgres",
          decided_by: "rule",
        },
        rows: { base: true, source: true, remote: true, result: true },
      },
      { table: "config", winner: "pending", resolved_at: null, rows: { result: null } },
    ]);
    expect((await list({ status: "pending" })).conflicts).toMatchObject([{ table: "config" }]);
    expect((await list({ status: "resolved" })).conflicts).toMatchObject([{ table: "file" }]);
    expect((await list({ client: "tenant-39" })).conflicts).toEqual([]);
  });

  test("by pages, each conflict once", async () => {
    for (const name of ["a", "b", "c"]) {
      await write("UPDATE $.file SET name = $1", [name]);
      await replica.sync(source.unchanged);
    }
    const pages: string[][] = [];
    for (let after: string | null = null; ; ) {
      const { conflicts, next } = await list({ limit: 2, ...(after === null ? {} : { after }) });
      pages.push(conflicts.map(({ id }) => id));
      after = next;
      if (after === null) break;
    }
    expect(pages.map((page) => page.length)).toEqual([2, 1]);
    expect(new Set(pages.flat()).size).toBe(3);
  });
});

describe("one conflict is shown", () => {
  test("by the fields that differ, documents by path", async () => {
    await write("UPDATE $.chat SET chat = $1", [JSON.stringify(chat("m1", "m3"))]);
    source.tables.chat = { ...source.tables.chat, rows: [["c", JSON.stringify(chat("m1", "m2"))]] } as never;
    await replica.sync();
    const [conflict] = (await list()).conflicts;
    const { fields } = await diff(conflict?.id as string);
    const added = (id: string) => {
      const text = JSON.stringify({ id, content: `says ${id}` });
      return { text, size: text.length };
    };
    expect(fields).toMatchObject([
      {
        ...{ column: "chat", type: "json", changed_by: ["source", "remote"], hidden: false },
        paths: [
          { path: "history.messages.m2", base: null, source: added("m2"), remote: null, result: added("m2") },
          { path: "history.messages.m3", base: null, source: null, remote: added("m3"), result: added("m3") },
        ],
        more: 0,
      },
    ]);
  });

  test("without its credentials, of which only that they differ is told", async () => {
    await write(`UPDATE $.config SET value = '{"secret":"sk-2"}', note = 'edit'`);
    await replica.sync(source.unchanged);
    const shown = await diff(await pending());
    expect(shown.fields).toMatchObject([
      { column: "value", hidden: true, changed_by: ["remote"], base: null, source: null, remote: null },
      {
        column: "note",
        base: { text: "was" },
        source: { text: "was" },
        remote: { text: "edit" },
        result: null,
      },
    ]);
    expect(JSON.stringify(shown)).not.toContain("secret");
    // Postgres does not hand them out either.
    const rows = await api.postgres.rows("conflict-fields", [await pending(), 500, 500]);
    expect(rows[0]).toMatchObject({ column: "value", base: "", source: "", remote: "", base_size: 12 });
  });

  test("with every field of a row that one side does not have", async () => {
    await write("DELETE FROM $.config");
    await replica.sync(source.unchanged);
    const { conflict, fields } = await diff(await pending());
    expect(conflict).toMatchObject({
      type: "none/delete",
      rows: { source: true, remote: false, result: null },
    });
    expect(fields.map(({ column }) => column)).toEqual(["key", "value", "updated_at", "note"]);
  });

  test("with a long text cut, and its size", async () => {
    await write("UPDATE $.config SET note = repeat('long', 1000000)");
    await replica.sync(source.unchanged);
    expect((await diff(await pending())).fields).toMatchObject([
      { column: "note", remote: { text: "long".repeat(125), size: 4_000_000 } },
    ]);
  });

  test("unless there is none", async () => {
    await expect(diff("999999")).rejects.toMatchObject({ kind: "not-found" });
  });
});

describe("an operator decides", () => {
  beforeEach(async () => {
    await write("UPDATE $.config SET note = 'edit', updated_at = 2");
    await replica.sync(source.unchanged);
  });
  const applied = async () => {
    await replica.sync(source.unchanged);
    return (await values())[0];
  };

  test("for the source", async () => {
    const id = await pending();
    expect(await resolve(id, { accept: "source" })).toMatchObject({ conflict: id, client: replica.tenant });
    expect((await diff(id)).conflict).toMatchObject({
      winner: "pending",
      accepted: "source",
      decided_by: "ana",
    });
    expect(await applied()).toMatchObject({ note: "was" });
    expect((await diff(id)).conflict).toMatchObject({ winner: "source", decided_by: "ana" });
  });

  test("for what was written into the replica", async () => {
    const id = await pending();
    await resolve(id, { accept: "remote" });
    expect(await applied()).toMatchObject({ note: "edit" });
    const { conflict, fields } = await diff(id);
    expect(conflict).toMatchObject({ winner: "remote", rows: { result: true } });
    expect(fields).toMatchObject([{ column: "updated_at" }, { column: "note", result: { text: "edit" } }]);
  });

  test("for an edited row, and another one until the sync has applied it", async () => {
    const id = await pending();
    await resolve(id, { row: { note: "first" } });
    await resolve(id, { row: { note: "better", updated_at: "1795291200000000001" } });
    expect((await diff(id)).fields).toMatchObject([
      { column: "updated_at", result: { text: "1795291200000000001" } },
      { column: "note", result: { text: "better" } },
    ]);
    expect(await applied()).toMatchObject({ note: "better" });
    expect((await diff(id)).conflict).toMatchObject({ winner: "merged", decided_by: "ana" });
  });

  test("and is refused what the row cannot be", async () => {
    const id = await pending();
    await expect(resolve(id, { row: { nose: "x", value: {} } })).rejects.toMatchObject({
      kind: "invalid-request",
      message: "The row cannot be taken, see errors. Columns that can be edited: key, updated_at, note.",
      errors: [
        { pointer: "#/row/nose", detail: "The table has no such column" },
        { pointer: "#/row/value", detail: "It holds credentials, which nobody edits here" },
      ],
    });
    await expect(resolve(id, { row: { updated_at: "soon" } })).rejects.toMatchObject({
      kind: "invalid-request",
    });
    await expect(resolve(id, { row: { key: "other" } })).rejects.toMatchObject({ kind: "invalid-request" });
    expect((await diff(id)).conflict).toMatchObject({ winner: "pending", accepted: null });
  });

  test("once: what was applied stays, and says by whom it was decided", async () => {
    const id = await pending();
    await resolve(id, { accept: "remote" });
    await applied();
    await expect(resolve(id, { accept: "source" })).rejects.toMatchObject({
      kind: "not-pending",
      status: 409,
      message:
        `Conflict ${id} was resolved already, by ana: remote won. Nothing was changed. ` +
        "Who wants another outcome edits the row in the replica; the next sync opens a conflict about it.",
    });
  });

  test("anew, where the source changed the row before the sync", async () => {
    const id = await pending();
    await resolve(id, { accept: "remote" });
    source.tables.config = { ...source.tables.config, rows: [["ui", "{}", 3_000n, "source"]] } as never;
    await replica.sync();
    expect((await values())[0]).toMatchObject({ note: "source" });
    const next = await pending();
    expect(next).not.toBe(id);
    await expect(resolve(id, { accept: "remote" })).rejects.toMatchObject({
      kind: "not-pending",
      message: `Conflict ${id} was superseded: the row changed once more. Look at conflict ${next} and decide that one.`,
    });
  });
});

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HeldError } from "../../../sync-runtime/node/hold.ts";
import type { Ask, Wish } from "../../../sync-runtime/node/replicate.ts";
import { ScriptedSource, streamOf } from "./scripted-source.ts";
import { type TestReplica, TestReplicas } from "./test-replica.ts";

let replicas: TestReplicas;
let replica: TestReplica;
let source: ScriptedSource;

beforeAll(async () => {
  replicas = await TestReplicas.create(20);
});
afterAll(() => replicas[Symbol.asyncDispose]());

const people = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => [String(from + index), `name ${from + index}`]);

beforeEach(async () => {
  replica = replicas.nextTenant();
  source = replica.source;
  source.tables = {
    user: { columns: ["id TEXT", "name TEXT"], key: ["id"], rows: people(100) },
    log: { columns: ["line TEXT"], rows: people(40).map(([id]) => [id as string]) },
  };
  await replica.sync();
});

/** What one sync was held for. */
async function held(ask: Ask = source.full) {
  const error = (await replica.sync(ask).then(
    () => new Error("It went through."),
    (error) => error,
  )) as HeldError;
  if (!error.hold) throw error;
  return error.hold;
}
const count = async (table: string) => (await replica.rowsOf(table, "1")).length;
const known = async () => {
  const { rows } = await replicas.admin.query(
    "SELECT held_id AS id, held_reason AS reason, held_accepted_at FROM sync_metadata.replicas WHERE tenant = $1",
    [replica.tenant],
  );
  return rows[0];
};
const lose = (rows: number) => source.table("user").rows.splice(100 - rows, rows);

describe.each(["full", "delta"] as const)("a %s stream", (mode) => {
  test("that would take out a third of a table is held: the replica keeps what it has", async () => {
    lose(31);
    const hold = await held(source[mode]);
    expect(hold.finding).toEqual({
      reason: "rows-vanished",
      detail: {
        losses: [
          { table: null, held: 140, vanished: 31 },
          { table: "user", held: 100, vanished: 31 },
        ],
      },
    });
    expect(await known()).toEqual({ id: hold.id, reason: "rows-vanished", held_accepted_at: null });
    expect(await count("user")).toBe(100);
    expect(await replica.tombstones()).toEqual([]);
    const { rows } = await replicas.admin.query(
      "SELECT status, error FROM sync_metadata.sync_jobs WHERE tenant = $1 ORDER BY id DESC LIMIT 1",
      [replica.tenant],
    );
    expect(rows[0]).toEqual({ status: "held", error: expect.stringContaining("31 of the 100 of user") });
  });

  test("that takes out less goes through", async () => {
    lose(30);
    await replica.sync(source[mode]);
    expect(await count("user")).toBe(70);
  });

  test("goes through once when an operator accepted it, and what vanished is kept", async () => {
    lose(80);
    const hold = await held(source[mode]);
    expect(await replica.accept(hold.id)).toBe(true);
    await replica.sync(source[mode]);
    expect(await count("user")).toBe(20);
    expect(await replica.tombstones()).toHaveLength(80);
    expect((await known()).id).toBeNull();
    source.table("user").rows = people(3);
    expect((await held(source[mode])).id).not.toBe(hold.id);
  });
});

test("rows of other keys do not make up for those that vanished", async () => {
  source.table("user").rows = people(100, 1000);
  expect((await held()).finding.reason).toBe("rows-vanished");
});

test("a table without a key may be rewritten, and may not shrink so", async () => {
  source.table("log").rows = people(40, 500).map(([id]) => [id as string]);
  await replica.sync();
  source.table("log").rows = [["left"]];
  expect((await held()).finding.detail).toMatchObject({
    losses: [{ table: null }, { table: "log", held: 40, vanished: 39 }],
  });
});

test("a source without any row is held, and so is one without tables", async () => {
  source.table("user").rows = [];
  source.table("log").rows = [];
  expect((await held()).finding).toEqual({ reason: "source-empty", detail: { held: 140 } });
  source.tables = {};
  expect((await held()).finding.reason).toBe("source-empty");
  expect(await count("user")).toBe(100);
});

test("a source that is right again ends the hold by itself", async () => {
  const rows = [...source.table("user").rows];
  lose(80);
  await held();
  source.table("user").rows = rows;
  expect(await replica.sync(source.delta)).toMatchObject({ status: "success" });
  expect((await known()).id).toBeNull();
});

describe("a decision", () => {
  test("about one hold does not let another one through", async () => {
    lose(80);
    const first = await held();
    expect(await replica.accept(first.id)).toBe(true);
    source.tables = {};
    const second = await held();
    expect(second.id).not.toBe(first.id);
    expect(await replica.accept(first.id)).toBe(false);
    expect((await held()).id).toBe(second.id);
  });

  test("holds while the tenant goes on working", async () => {
    lose(80);
    await replica.accept((await held()).id);
    source.table("user").rows.splice(0, 3);
    source.table("user").rows.push(...people(5, 2000));
    await replica.sync();
    expect(await count("user")).toBe(22);
  });

  test("is not used up by a sync that fails", async () => {
    lose(80);
    await replica.accept((await held()).id);
    await expect(replica.sync(async () => streamOf(source.contents()))).rejects.toThrow("broke off");
    await replica.sync();
    expect(await count("user")).toBe(20);
  });
});

describe("data of another identity", () => {
  let other: ScriptedSource;

  beforeEach(() => {
    other = new ScriptedSource(replica.tenant);
    other.tables = { user: { columns: ["id TEXT", "name TEXT"], key: ["id"], rows: people(50, 100) } };
  });

  test("is held before a row of it is written, with what it holds", async () => {
    expect((await held(other.full)).finding).toEqual({
      reason: "identity-changed",
      detail: { was: source.identity.id, now: other.identity.id, held: 140, came: 50 },
    });
    expect(await count("user")).toBe(100);
  });

  test("becomes what the replica is a copy of when an operator accepts it", async () => {
    const hold = await held(other.full);
    expect((await held(other.full)).id).toBe(hold.id);
    await replica.accept(hold.id);
    await replica.sync(other.full);
    expect(await count("user")).toBe(50);
    expect((await held(source.full)).finding.detail).toMatchObject({ was: other.identity.id });
  });

  test("is not accepted with another's decision, nor when little is left of it", async () => {
    const hold = await held(other.full);
    await replica.accept(hold.id);
    const third = new ScriptedSource(replica.tenant);
    third.tables = other.tables;
    expect((await held(third.full)).id).not.toBe(hold.id);
    await replica.accept((await held(other.full)).id);
    other.table("user").rows = people(2);
    expect((await held(other.full)).finding.detail).toMatchObject({ came: 2 });
  });
});

describe("while a replica is held", () => {
  /** Answers as an agent does that offered a sync which nobody took, and has seen no write since. */
  const still =
    (wishes: Wish[] = []): Ask =>
    async (_, wish) => {
      wishes.push(wish);
      return streamOf([{ type: "unchanged", unchanged: { sync: wish.held as string, tables: 2, rows: 60 } }]);
    };

  test("the agent is told what was offered, and needs to send nothing: the hold stays the same", async () => {
    lose(80);
    const hold = await held();
    const offered = source.sync;
    const wishes: Wish[] = [];
    expect(await held(still(wishes))).toMatchObject({ id: hold.id, offered });
    expect(wishes).toEqual([{ full: false, held: offered }]);
  });

  test("an accepted one is asked for in full again", async () => {
    lose(80);
    await replica.accept((await held()).id);
    const wishes: Wish[] = [];
    await replica.sync((committed, wish) => {
      wishes.push(wish);
      return source.full(committed);
    });
    expect(wishes).toEqual([{ full: false, held: null }]);
  });

  test("`unchanged` about what was never offered is refused", async () => {
    lose(80);
    await held();
    const other: Ask = async () =>
      streamOf([{ type: "unchanged", unchanged: { sync: randomUUID(), tables: 2, rows: 60 } }]);
    await expect(replica.sync(other)).rejects.toThrow("which the replica does not hold");
  });
});

test("what somebody else wrote into the replica unseen may go without a question", async () => {
  await replicas.intruder.query(
    `INSERT INTO "tenant_${replica.tenant}"."user" (id, name) SELECT 'x' || n, 'intruder' FROM generate_series(1, 200) AS n`,
  );
  await expect(replica.sync()).rejects.toThrow("user has 300 rows instead of 100");
  await replica.sync();
  expect(await count("user")).toBe(100);
});

import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_TIMING } from "../../../sync-runtime/node/lease-timing.ts";
import { Metrics } from "../../../sync-runtime/node/metrics.ts";
import { Postgres } from "../../../sync-runtime/node/postgres.ts";
import { systemClock } from "../../../sync-runtime/node/service.ts";
import { WriteBack } from "../../../sync-runtime/node/write-back.ts";
import { WriterError } from "../../../sync-runtime/node/writer-client.ts";
import { RawText } from "../../../sync-runtime/protocol/value.ts";
import type { ScriptedSource } from "./scripted-source.ts";
import { refused, ScriptedWriter } from "./scripted-writer.ts";
import { RUN, type TestReplica, TestReplicas } from "./test-replica.ts";

const log = pino({ level: "silent" });
const WRITER = { address: "writer.local:8051", identity: "urn:owui:writer:local" };

let replicas: TestReplicas;
let postgres: Postgres;
let metrics: Metrics;
let writer: ScriptedWriter;
let writeBack: WriteBack;
let replica: TestReplica;
let source: ScriptedSource;
let schema = "";

beforeAll(async () => {
  replicas = await TestReplicas.create(60, (intent) => ({
    ...intent,
    hosts: intent.hosts.map((host) => ({ ...host, writer: WRITER })),
    tenants: intent.tenants.map((tenant) => ({ ...tenant, direction: "both" })),
  }));
  postgres = new Postgres(replicas.database.credentials("sync_main"), 4, "node:a", log);
});
afterAll(async () => {
  await postgres.close();
  await replicas[Symbol.asyncDispose]();
});

beforeEach(async () => {
  // What is written has a sync queued, which nobody here does.
  await replicas.admin.query("DELETE FROM sync_metadata.sync_jobs WHERE status = 'queued'");
  replica = replicas.nextTenant();
  source = replica.source;
  schema = `"tenant_${replica.tenant}"`;
  writer = new ScriptedWriter();
  writer.serve(source);
  metrics = new Metrics();
  writeBack = new WriteBack(
    {
      ...{ cluster: "main", node: "a", run: RUN, postgres, log, timing: DEFAULT_TIMING },
      ...{ clock: systemClock, random: Math.random, metrics },
    },
    writer,
  );
  source.tables = {
    user: {
      columns: [
        "id TEXT",
        "name TEXT",
        "updated_at INTEGER",
        "active BOOLEAN",
        "score REAL",
        "settings JSON",
        "photo BLOB",
      ],
      key: ["id"],
      rows: [
        ["1", "Ada", 1_000n, 1n, 0.1, '{"a":  1}', Buffer.from([0, 255])],
        ["2", "Grace", 1_000n, 0n, -0, null, null],
        ["3", new RawText(Buffer.from([0x66, 0xff])), 1_000n, 7n, 1.5, "no json", null],
      ],
    },
    file: { columns: ["id TEXT", "n INTEGER", "name TEXT"], key: ["id", "n"], rows: [["f", 1n, "a"]] },
  };
  await replica.sync();
});

const write = (statement: string, values: unknown[] = []) =>
  replicas.admin.query(statement.replaceAll("$.", `${schema}.`), values);
const syncBothWays = () => replica.syncBothWays(writeBack);
/** The rows of user in the source, by id. */
const user = (id: string) => source.table("user").rows.find(([key]) => key === id);
const written = () => writer.requests.flatMap(({ request }) => request.rows);
const recorded = async () =>
  (
    await replicas.admin.query(
      "SELECT decided::int, writing_epoch, write_refused_code AS code, write_refused AS text FROM sync_metadata.replicas WHERE tenant = $1",
      [replica.tenant],
    )
  ).rows[0];
const conflicts = async () =>
  (
    await replicas.admin.query(
      `SELECT id, winner, remote ->> 'name' AS remote, before ->> 'name' AS before, written_by, converged_at IS NOT NULL AS converged, refused_code, why
       FROM sync_metadata.conflict_log WHERE tenant = $1 ORDER BY id`,
      [replica.tenant],
    )
  ).rows;
/** Ada's before Grace's, whichever was found first. */
const byName = async () => (await conflicts()).sort((one, other) => (one.before < other.before ? -1 : 1));
const queued = async () =>
  (
    await replicas.admin.query(
      "SELECT reason FROM sync_metadata.sync_jobs WHERE tenant = $1 AND status = 'queued'",
      [replica.tenant],
    )
  ).rows.length;
const counted = async (name: string) =>
  (await metrics.registry.getSingleMetric(name)?.get())?.values.map(({ labels, value }) => [
    labels.code,
    value,
  ]);

describe("a decided edit", () => {
  test.each([
    ["an update", "UPDATE $.\"user\" SET name = 'Countess' WHERE id = '1'"],
    ["a deletion", "DELETE FROM $.\"user\" WHERE id = '2'"],
    ["an insertion", "INSERT INTO $.\"user\" (id, name, score, photo) VALUES ('4', 'Alan', 2, '\\x00ff')"],
    [
      "an update beside values that Postgres cannot hold",
      "UPDATE $.\"user\" SET updated_at = 2000 WHERE id = '3'",
    ],
    [
      "an update of every type",
      `UPDATE $."user" SET active = false, score = '-0', settings = '{"b": [1,  2]}', photo = '\\xdead' WHERE id = '1'`,
    ],
  ])("%s goes into the source as it was decided, and the next sync finds it there", async (_, statement) => {
    await write(statement);
    await syncBothWays();
    expect(written()).toHaveLength(1);
    expect(await recorded()).toEqual({ decided: 1, writing_epoch: null, code: null, text: null });
    expect(await conflicts()).toMatchObject([{ winner: "remote", written_by: "local", converged: false }]);
    expect(await queued()).toBe(1);

    expect((await syncBothWays()).status).toBe("success");
    expect(await recorded()).toMatchObject({ decided: 0 });
    expect(await conflicts()).toMatchObject([{ winner: "remote", written_by: "local", converged: true }]);
    expect(written()).toHaveLength(1);
    expect(await replica.recorded()).toEqual({ committed_sync: source.sync, equal: true });
    expect(await queued()).toBe(0);
  });

  test("keeps what it left alone, byte by byte", async () => {
    await write("UPDATE $.\"user\" SET updated_at = 2000 WHERE id = '3'");
    await syncBothWays();
    expect(user("3")).toEqual([
      "3",
      new RawText(Buffer.from([0x66, 0xff])),
      2_000n,
      7n,
      1.5,
      "no json",
      null,
    ]);
  });

  test("that loses is not written", async () => {
    await write("UPDATE $.file SET name = 'b'");
    await syncBothWays();
    expect(writer.requests).toEqual([]);
    expect(await conflicts()).toMatchObject([{ winner: "source", written_by: null }]);
  });

  test("of a tenant whose rows go one way is not written", async () => {
    await replicas.admin.query(
      "UPDATE sync_metadata.client_deployments SET direction = 'one-way' WHERE id = $1",
      [replica.tenant],
    );
    await write("UPDATE $.\"user\" SET name = 'Countess' WHERE id = '1'");
    await syncBothWays();
    expect(writer.requests).toEqual([]);
    expect(await recorded()).toMatchObject({ decided: 1, code: null });
  });

  test("that an operator accepted is written like any other, once", async () => {
    source.tables.config = { columns: ["key TEXT", "name TEXT"], key: ["key"], rows: [["ui", "a"]] };
    await replica.sync();
    await write("UPDATE $.config SET name = 'b'");
    await syncBothWays();
    expect(written()).toEqual([]);
    const [{ id }] = await conflicts();
    await postgres.rows("resolve-conflict", [id, "remote", JSON.stringify({ name: "c" }), "ana"]);
    await syncBothWays();
    await syncBothWays();
    expect(source.table("config").rows).toEqual([["ui", "c"]]);
    expect(written()).toHaveLength(1);
    expect(await conflicts()).toMatchObject([{ winner: "merged", written_by: "local", converged: true }]);
  });

  test("that was edited once more waits for the next sync, and begins from what the source has by then", async () => {
    await write("UPDATE $.\"user\" SET name = 'Countess' WHERE id = '1'");
    // Between the writing and the sync that finds it.
    writer.after = async () => {
      writer.after = () => {};
      await write("UPDATE $.\"user\" SET name = 'Lady' WHERE id = '1'");
    };
    await syncBothWays();
    expect(user("1")?.[1]).toBe("Countess");
    await syncBothWays();
    expect(user("1")?.[1]).toBe("Lady");
    expect(await conflicts()).toMatchObject([
      { winner: "remote", before: "Ada", remote: "Countess", converged: true },
      { winner: "remote", before: "Countess", remote: "Lady", converged: false },
    ]);
    await syncBothWays();
    expect(await recorded()).toMatchObject({ decided: 0 });
  });

  test("that was edited once more before it was written is not written as it was", async () => {
    await write("UPDATE $.\"user\" SET name = 'Countess' WHERE id = '1'");
    await replica.syncBothWays(writeBack, source.delta, () =>
      write("UPDATE $.\"user\" SET name = 'Lady' WHERE id = '1'"),
    );
    expect(written()).toEqual([]);
    await syncBothWays();
    expect(user("1")?.[1]).toBe("Lady");
  });

  test("is not sent any more once somebody took it back", async () => {
    await write("UPDATE $.\"user\" SET name = 'Countess' WHERE id = '1'");
    await replica.sync(source.delta);
    await write("UPDATE $.\"user\" SET name = 'Ada' WHERE id = '1'");
    await syncBothWays();
    expect(written()).toEqual([]);
  });
});

describe("what the source refuses", () => {
  beforeEach(async () => {
    await write("UPDATE $.\"user\" SET name = name || '!' WHERE id IN ('1', '2')");
  });

  test("because it changed meets the rules once more, while the others are written", async () => {
    const once = writer.before;
    writer.before = () => {
      writer.before = once;
      source.table("user").rows[0] = ["1", "Augusta", 4_000_000_000n, 1n, 0.1, null, null];
    };
    await syncBothWays();
    expect(user("1")?.[1]).toBe("Augusta");
    expect(user("2")?.[1]).toBe("Grace!");
    expect(await recorded()).toMatchObject({ decided: 2, writing_epoch: null, code: "source-changed" });
    await syncBothWays();
    expect(user("1")?.[1]).toBe("Augusta");
    expect(await recorded()).toMatchObject({ decided: 0, code: null });
    expect((await conflicts()).at(-1)).toMatchObject({ winner: "source", before: "Ada", remote: "Ada!" });
  });

  test.each(["constraint", "unsupported-schema", "value-converted"])(
    "for good (%s) waits for an operator, while the others are written",
    async (code) => {
      const refuse = ({ rows }: { rows: { table: string; key: unknown }[] }) => {
        const row = rows.find(({ key }) => JSON.stringify(key).includes('"1"'));
        if (row) throw refused(code, row as Parameters<typeof refused>[1]);
      };
      writer.before = refuse;
      await syncBothWays();
      expect(user("2")?.[1]).toBe("Grace!");
      expect(await recorded()).toMatchObject({ code: null });
      expect(await queued()).toBe(1);
      await syncBothWays();
      const pending = {
        winner: "pending",
        refused_code: code,
        converged: false,
        why: expect.stringContaining(code),
      };
      expect(await byName()).toMatchObject([pending, { winner: "remote", converged: true }]);
      const [one] = await byName();
      // The source's row stands until then, and nothing is asked again.
      expect(await recorded()).toMatchObject({ decided: 0 });
      const asked = writer.requests.length;
      await syncBothWays();
      expect(writer.requests).toHaveLength(asked);

      await postgres.rows("resolve-conflict", [
        one.id,
        "remote",
        JSON.stringify({ name: "Countess" }),
        "ana",
      ]);
      writer.before = () => {};
      await syncBothWays();
      expect(user("1")?.[1]).toBe("Countess");
      await syncBothWays();
      expect((await byName())[0]).toMatchObject({ winner: "merged", converged: true });
      expect(await counted("sync_writes_refused_total")).toEqual([[code, 1]]);
    },
  );

  test("without saying which row is found by halves", async () => {
    writer.before = ({ rows }) => {
      if (rows.some(({ key }) => JSON.stringify(key).includes('"1"'))) throw refused("constraint");
    };
    await syncBothWays();
    expect(user("2")?.[1]).toBe("Grace!");
    expect(await byName()).toMatchObject([{ refused_code: "constraint" }, { written_by: "local" }]);
  });

  test.each(["busy", "identity-changed", "not-assigned", "disk-full"])(
    "as a whole (%s) is told, keeps its moment and is tried again at every sync",
    async (code) => {
      writer.before = () => {
        throw refused(code);
      };
      await syncBothWays();
      expect(await recorded()).toEqual({ decided: 2, writing_epoch: null, code, text: `Refused: ${code}.` });
      expect(await queued()).toBe(0);
      const since = "SELECT write_refused_at FROM sync_metadata.replicas WHERE tenant = $1";
      const first = (await replicas.admin.query(since, [replica.tenant])).rows;
      await replica.syncBothWays(writeBack, source.unchanged);
      expect((await replicas.admin.query(since, [replica.tenant])).rows).toEqual(first);
      writer.before = () => {};
      await replica.syncBothWays(writeBack, source.unchanged);
      expect(await recorded()).toEqual({ decided: 2, writing_epoch: null, code: null, text: null });
      expect([user("1")?.[1], user("2")?.[1]].sort()).toEqual(["Ada!", "Grace!"]);
    },
  );

  test("without a writer on its host is told", async () => {
    await replicas.admin.query(
      "UPDATE sync_metadata.hosts SET writer_address = NULL, writer_identity = NULL",
    );
    try {
      await syncBothWays();
    } finally {
      await replicas.admin.query("UPDATE sync_metadata.hosts SET writer_address = $1, writer_identity = $2", [
        WRITER.address,
        WRITER.identity,
      ]);
    }
    expect(await recorded()).toMatchObject({ decided: 2, code: "no-writer" });
  });

  test("because the row holds what SQLite cannot waits for an operator", async () => {
    await write("UPDATE $.\"user\" SET score = 'NaN' WHERE id = '1'");
    await syncBothWays();
    await syncBothWays();
    expect((await conflicts()).find(({ remote }) => remote === "Ada!")).toMatchObject({
      ...{ winner: "pending", refused_code: "unwritable", why: expect.stringContaining("NaN") },
    });
    expect(user("2")?.[1]).toBe("Grace!");
  });
});

describe("a writing without a known end", () => {
  beforeEach(async () => {
    await write("UPDATE $.\"user\" SET name = 'Countess' WHERE id = '1'");
  });

  test("is ruled out by the next sync before it looks at anything, and then made again", async () => {
    writer.before = () => {
      throw new WriterError({ code: "writer-unreachable", message: "Cut off.", isUncertain: true });
    };
    await syncBothWays();
    expect(await recorded()).toMatchObject({ writing_epoch: expect.any(String), code: "writer-unreachable" });
    const [late] = writer.requests;
    writer.before = () => {};
    const behind: string[] = [];
    await replica.syncBothWays(writeBack, async (committed) => {
      // What was sent before arrives now.
      const answer = writer.write(late?.writer as never, replica.tenant, late?.request as never);
      await answer.catch((error: WriterError) => behind.push(error.code));
      return source.delta(committed);
    });
    expect(behind).toEqual(["stale-epoch"]);
    expect(user("1")?.[1]).toBe("Countess");
    expect(await recorded()).toMatchObject({ writing_epoch: null, code: null });
  });

  test("whose rows were written is found as what it is", async () => {
    writer.after = () => {
      throw new WriterError({ code: "writer-unreachable", message: "Cut off.", isUncertain: true });
    };
    await syncBothWays();
    expect(user("1")?.[1]).toBe("Countess");
    expect(await conflicts()).toMatchObject([{ written_by: null, converged: false }]);
    writer.after = () => {};
    await syncBothWays();
    expect(await conflicts()).toMatchObject([{ winner: "remote", converged: true }]);
    expect(await recorded()).toMatchObject({ decided: 0, writing_epoch: null, code: null });
  });

  test("by a node that lost its claim meanwhile is recorded as what was done, and ends nothing", async () => {
    writer.after = async () => {
      writer.after = () => {};
      await replicas.admin.query(
        "UPDATE sync_metadata.tenant_claims SET epoch = epoch + 1 WHERE tenant = $1",
        [replica.tenant],
      );
    };
    await syncBothWays();
    expect(await conflicts()).toMatchObject([{ written_by: "local", converged: false }]);
    expect(await recorded()).toMatchObject({ writing_epoch: expect.any(String) });
    expect((await metrics.fenced.get()).values).toMatchObject([{ labels: { guard: "claim" }, value: 1 }]);
    await syncBothWays();
    expect(await conflicts()).toMatchObject([{ converged: true }]);
  });

  test("cannot be begun under a claim that is another run's, or past", async () => {
    const { epoch } = (
      await replicas.admin.query("SELECT epoch FROM sync_metadata.tenant_claims WHERE tenant = $1", [
        replica.tenant,
      ])
    ).rows[0];
    const begin = (run: string, epoch: string) =>
      postgres.rows("begin-write", [replica.tenant, run, epoch, "0"]);
    await expect(begin(RUN, String(BigInt(epoch) - 1n))).rejects.toThrow("no longer held");
    await expect(begin("00000000-0000-4000-8000-000000000000", epoch)).rejects.toThrow("another run's");
  });
});

test("of more decided rows than go into one request every one is written, in requests that a writer takes", async () => {
  source.table("file").rows = [];
  source.tables.note = {
    columns: ["id TEXT", "body TEXT", "updated_at INTEGER"],
    key: ["id"],
    rows: Array.from({ length: 520 }, (_, n) => [`n${n}`, "x".repeat(17_000), 1n]),
  };
  await replica.syncAccepting();
  await replicas.admin.query(
    `UPDATE sync_metadata.client_deployments SET conflicts = '{"tables": {"note": "target_wins"}}' WHERE id = $1`,
    [replica.tenant],
  );
  await write("UPDATE $.note SET body = body || 'y'");
  await syncBothWays();
  expect(source.table("note").rows.every(([, body]) => String(body).endsWith("xy"))).toBe(true);
  expect(writer.requests.length).toBeGreaterThan(1);
  await syncBothWays();
  expect(await recorded()).toMatchObject({ decided: 0 });
});

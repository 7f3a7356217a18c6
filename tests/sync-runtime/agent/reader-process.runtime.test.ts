import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ReaderTask } from "../../../sync-runtime/agent/reader/task.ts";
import {
  READER_LIMITS,
  type ReaderUsage,
  readerLimits,
  runReader,
} from "../../../sync-runtime/agent/reader-process.ts";
import { type SpoolFile, SpoolTail } from "../../../sync-runtime/agent/spool.ts";
import type { JournalState } from "../../../sync-runtime/host/stamp.ts";
import { createWebuiDatabase } from "../../support/webui-database.ts";

let root: string;
let database: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "reader-")));
  for (const tenant of ["acme", "neighbour"]) mkdirSync(join(root, tenant));
  database = join(root, "acme", "webui.db");
});
afterEach(() => rmSync(root, { recursive: true }));

const never = new AbortController().signal;

const task = (state: JournalState): ReaderTask => ({
  sync: randomUUID(),
  generation: 1,
  base: null,
  throughSqlite: false,
  identity: { fleet: "test", tenant: "acme", id: randomUUID(), created: "2025-11-21T12:00:00Z" },
  database,
  state,
  copyPath: join(root, "copy"),
  maxRows: 1_000_000,
  maxContentBytes: 1_000_000_000,
});

/** Runs a reader over files of the given paths. */
async function read(
  state: JournalState,
  {
    spool = join(root, "spool"),
    limits = READER_LIMITS,
    signal = never,
    count = (_: ReaderUsage): unknown => undefined,
  } = {},
) {
  const open = (path: string): SpoolFile => {
    const fd = openSync(path, "w+");
    return { path, fd, [Symbol.asyncDispose]: async () => closeSync(fd) };
  };
  await using spoolFile = open(spool);
  await using copy = open(join(root, "copy"));
  const tail = new SpoolTail();
  await using store = open(join(root, "store"));
  const files = { spool: spoolFile, tail, copy, store, base: undefined };
  const { manifest } = await runReader(task(state), files, signal, limits, count);
  return { manifest, bytes: tail.bytes };
}

describe("the time of a reader", () => {
  it.each([
    [0, 120],
    [600_000_000, 120],
    [5_000_000_000, 500],
    [1_000_000_000_000, 900],
  ])("grows with a database of %i bytes, within bounds", (bytes, seconds) => {
    expect(readerLimits(bytes).milliseconds).toBe(seconds * 1000);
  });
});

describe("a reader process", () => {
  it("fills the spool and says what it wrote", async () => {
    createWebuiDatabase(database, { schema: "v0.11.3-fresh", journal: "wal" });
    const { manifest, bytes } = await read("settled");
    expect(manifest.tables).toHaveLength(43);
    expect(bytes).toBeGreaterThan(1000);
    // Behind what was announced comes the end of the zstd frame, which is never sent.
    const spooled = readFileSync(join(root, "spool"));
    expect(spooled.subarray(bytes)).toEqual(Buffer.from([1, 0, 0]));
  });

  // The agent refuses links before it starts a reader; these are the races that a tenant wins.
  it.each(["settled", "rollback"] as const)(
    "reads no row through a link that came too late to be seen: %s",
    async (state) => {
      const neighbour = join(root, "neighbour", "webui.db");
      createWebuiDatabase(neighbour, {
        schema: "v0.11.3-fresh",
        journal: state === "rollback" ? "rollback" : "wal",
      });
      symlinkSync(neighbour, database);
      await expect(read(state)).rejects.toMatchObject({
        code: "database-not-regular",
        message: expect.stringContaining(neighbour),
      });
      expect(readFileSync(join(root, "spool"))).toHaveLength(0);
      expect(readFileSync(join(root, "copy"))).toHaveLength(0);
    },
  );

  it.each([
    ["live", "rollback"],
    ["rollback", "wal"],
  ] as const)("reads nothing as %s that is in %s mode meanwhile", async (state, journal) => {
    createWebuiDatabase(database, { schema: "v0.11.3-fresh", journal });
    const outcome = await read(state).then(
      () => "read",
      ({ code }) => code,
    );
    // A rollback database read in place is exact as well; it only would hold the writer up.
    expect(outcome).toBe(state === "live" ? "read" : "database-unreadable");
  });

  it("is stopped when it takes too long, as behind a pipe that nobody writes to", async () => {
    execFileSync("mkfifo", [database]);
    const limits = { ...READER_LIMITS, milliseconds: 500 };
    await expect(read("live", { limits })).rejects.toMatchObject({
      code: "reader-stopped",
      message: expect.stringContaining("0.5 s"),
    });
  });

  it("is stopped when it takes too much memory", async () => {
    execFileSync("mkfifo", [database]);
    const limits = { ...READER_LIMITS, memoryBytes: 1000 };
    await expect(read("live", { limits })).rejects.toMatchObject({
      code: "reader-stopped",
      message: expect.stringContaining("memory"),
    });
  });

  it("is stopped when the agent's disk is about to be full", async () => {
    execFileSync("mkfifo", [database]);
    const limits = { ...READER_LIMITS, reservedBytes: Number.MAX_SAFE_INTEGER };
    await expect(read("live", { limits })).rejects.toMatchObject({
      code: "spool-full",
      message: expect.stringContaining("the snapshot would not fit"),
    });
  });

  it("is counted with what it used, also when it is stopped", async () => {
    createWebuiDatabase(database, { schema: "v0.11.3-fresh", journal: "wal" });
    const used: ReaderUsage[] = [];
    const count = (usage: ReaderUsage) => used.push(usage);
    await read("settled", { count });
    expect(used[0]?.cpuSeconds).toBeGreaterThan(0.01);
    expect(used[0]?.seconds).toBeGreaterThan(0.01);
    rmSync(database);
    execFileSync("mkfifo", [database]);
    const limits = { ...READER_LIMITS, memoryBytes: 1000 };
    await expect(read("live", { limits, count })).rejects.toThrow();
    expect(used[1]?.memoryBytes).toBeGreaterThan(1_000_000);
    expect(used[1]?.cpuSeconds).toBeGreaterThan(0.01);
  });

  it("is stopped when nobody wants its snapshot any more", async () => {
    execFileSync("mkfifo", [database]);
    const gone = new AbortController();
    const reading = read("live", { signal: gone.signal });
    gone.abort(new Error("the node went away"));
    await expect(reading).rejects.toThrow("the node went away");
  });

  it("says when the agent's disk is full", async () => {
    createWebuiDatabase(database, { schema: "v0.11.3-fresh", journal: "wal" });
    await expect(read("settled", { spool: "/dev/full" })).rejects.toMatchObject({ code: "spool-full" });
  });
});

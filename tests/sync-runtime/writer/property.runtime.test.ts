import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WriteRequest } from "../../../sync-runtime/protocol/write.ts";
import { runRowWriter } from "../../../sync-runtime/writer/row-writer-process.ts";
import { SEED } from "../../support/random-seed.ts";
import { KnownSource, type Row } from "../../support/row-changes.ts";
import { WriterProcess } from "../../support/writer-process.ts";

const IDS = ["a", "b", "c", "d"];
/** So that a commit takes a while. */
const PADDING = "x".repeat(100_000);

/** What the table holds, by id; what is missing is not there. */
type State = Record<string, bigint>;

/** The application sets or removes one row. */
const applicationWrite = fc.record({
  id: fc.constantFrom(...IDS),
  value: fc.option(fc.bigInt({ min: 0n, max: 3n })),
});
type ApplicationWrite = { id: string; value: bigint | null };

/** A node asks for some rows by what it last saw, while the application writes, and somebody may kill the row writer. */
const turn = fc.record({
  /** Whether the node sees the rows as they are now, or keeps what it saw at an earlier turn. */
  syncs: fc.boolean(),
  before: fc.array(applicationWrite, { maxLength: 2 }),
  wanted: fc.uniqueArray(applicationWrite, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
  meanwhile: fc.option(fc.record({ write: applicationWrite, afterMs: fc.integer({ min: 0, max: 250 }) })),
  killedAfterMs: fc.option(fc.integer({ min: 50, max: 400 }), { freq: 3 }),
});

let home: WriterProcess;
beforeAll(async () => {
  home = await WriterProcess.start(["acme"]);
});
afterAll(() => home[Symbol.asyncDispose]());

const after = (state: State, { id, value }: ApplicationWrite): State => {
  const { [id]: _, ...rest } = state;
  return value === null ? rest : { ...rest, [id]: value };
};

/** What a request makes of a state; undefined when one of its rows is neither as seen nor as wanted. */
function written(state: State, seen: State, wanted: readonly ApplicationWrite[]): State | undefined {
  const fits = wanted.every(({ id, value }) => state[id] === seen[id] || state[id] === (value ?? undefined));
  return fits ? wanted.reduce(after, state) : undefined;
}

/** The row as a request has it. */
const rowOf = (state: State, id: string): Row | undefined =>
  state[id] === undefined ? undefined : { id, value: state[id], padding: PADDING };

function write(application: DatabaseSync, { id, value }: ApplicationWrite): void {
  if (value === null) application.prepare("DELETE FROM t WHERE id = ?").run(id);
  else application.prepare("INSERT OR REPLACE INTO t VALUES (?, ?, ?)").run(id, value, PADDING);
}

function read(application: DatabaseSync): State {
  const rows = application.prepare("SELECT id, value FROM t").all();
  return Object.fromEntries(rows.map(({ id, value }) => [id as string, value as bigint]));
}

test.each(["WAL", "DELETE"])(
  "in journal mode %s a request is written whole or not at all, and no write of the application is lost",
  async (journal) => {
    const path = home.database("acme");
    const count = { written: 0, refused: 0, unknown: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 4 }), async (turns) => {
        for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
        const application = new DatabaseSync(path, { readBigInts: true, timeout: 10_000 });
        application.exec(
          `PRAGMA journal_mode = ${journal}; CREATE TABLE t (id TEXT PRIMARY KEY, value INTEGER, padding TEXT)`,
        );
        const known = new KnownSource(path);
        let seen: State = {};
        let state: State = {};
        for (const { syncs, before, wanted, meanwhile, killedAfterMs } of turns) {
          for (const change of before) {
            write(application, change);
            state = after(state, change);
          }
          if (syncs) seen = state;
          const changes = wanted.filter(({ id, value }) => seen[id] !== undefined || value !== null);
          if (changes.length === 0) continue;
          const rows = changes.map(({ id, value }) =>
            known.change("t", rowOf(seen, id), value === null ? undefined : rowOf({ [id]: value }, id)),
          );
          const request = known.request(home.identities.get("acme") as string, rows);
          const applying = (async () => {
            if (!meanwhile) return;
            await setTimeout(meanwhile.afterMs);
            write(application, meanwhile.write);
          })();
          const code = await send(path, request, killedAfterMs);
          await applying;

          const apply = (from: State) => (meanwhile ? after(from, meanwhile.write) : from);
          const first = written(state, seen, changes);
          const last = written(apply(state), seen, changes);
          const whole = [first && apply(first), last].filter((one) => one !== undefined);
          const none = [apply(state)];
          const allowed = { written: whole, "outcome-unknown": [...whole, ...none] }[code] ?? none;
          const found = read(application);
          expect(allowed, code).toContainEqual(found);
          if (code === "source-changed") expect(whole.length).toBeLessThan(2);
          state = found;
          if (code === "written") count.written++;
          else if (code === "outcome-unknown") count.unknown++;
          else count.refused++;
        }
        expect(application.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
        known[Symbol.dispose]();
        application.close();
      }),
      { seed: SEED, numRuns: 25, endOnFailure: true },
    );
    expect(count.written).toBeGreaterThan(5);
    expect(count.refused).toBeGreaterThan(5);
  },
);

/** `written`, or why not. */
function send(database: string, request: WriteRequest, killedAfterMs: number | null): Promise<string> {
  const task = {
    database,
    identityFile: join(dirname(database), ".owui-identity.json"),
    tenant: "acme",
    request,
  };
  const killed = new AbortController();
  if (killedAfterMs !== null) setTimeout(killedAfterMs).then(() => killed.abort());
  return runRowWriter(task, killed.signal).then(
    () => "written",
    ({ code }) => code as string,
  );
}

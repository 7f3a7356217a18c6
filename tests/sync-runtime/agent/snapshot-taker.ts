import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createReadStream, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { takeStamp } from "../../../sync-runtime/host/stamp.ts";
import { encodeJsonFrame, FrameType } from "../../../sync-runtime/protocol/frame.ts";
import {
  type Header,
  type Manifest,
  type Message,
  readMessages,
  type SourceTable,
} from "../../../sync-runtime/protocol/message.ts";
import { RowDigester } from "../../../sync-runtime/protocol/row-digest.ts";
import { TableSum } from "../../../sync-runtime/protocol/table-sum.ts";
import { encodeValue, RawText, type SqliteValue, ValueCursor } from "../../../sync-runtime/protocol/value.ts";

const PROGRAM = new URL("./snapshot-process.ts", import.meta.url).pathname;

/** What a snapshot said, and what of it a replica would have. */
export interface TakenSnapshot {
  sync: string;
  header: Header;
  manifest: Manifest;
  /** Canonical bytes of the rows that were read. */
  contentBytes: number;
  messages: Message[];
}

/** Takes snapshots of one database, each relative to the one before, and keeps the replica they make. */
export class SnapshotTaker implements Disposable {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "snapshots-")));
  readonly database = join(this.root, "webui.db");
  readonly replica = new Replica();
  readonly #child: ChildProcess = fork(PROGRAM);
  /** The snapshot that the replica has. */
  base: string | null = null;

  store = (sync: string): string => join(this.root, `${sync}.store`);

  /**
   * @param lost the replica never gets it, and the next one is relative to the same as this
   * @param throughSqlite everything, and no row read off its pages
   * @param mostRows of a table that are compared, if not as many as always
   */
  async take({
    lost = false,
    mostRows = undefined as number | undefined,
    throughSqlite = false,
  } = {}): Promise<TakenSnapshot> {
    const sync = randomUUID();
    const { state } = await takeStamp(this.root, 0n);
    const frames = join(this.root, "frames");
    const order = {
      task: {
        sync,
        generation: 1,
        base: throughSqlite ? null : this.base,
        throughSqlite,
        identity: { fleet: "test", tenant: "acme", id: randomUUID(), created: "2025-11-21T12:00:00Z" },
        database: this.database,
        // Nobody writes meanwhile: it is read in place as its copy would be.
        state: state === "rollback" ? "settled" : state,
        copyPath: "",
        maxRows: 10_000_000,
        maxContentBytes: 10_000_000_000,
      },
      store: this.store(sync),
      base: throughSqlite ? null : this.base && this.store(this.base),
      frames,
      mostRows,
    };
    const answered = once(this.#child, "message");
    this.#child.send(order);
    const [answer] = await answered;
    if (!answer.ok)
      throw Object.assign(new Error(answer.message, { cause: answer.stack }), { code: answer.code });
    const { manifest, contentBytes } = answer;
    const stream = (async function* () {
      yield* createReadStream(frames);
      yield encodeJsonFrame(FrameType.manifest, manifest);
    })();
    const messages = await Array.fromAsync(readMessages(stream));
    const [first] = messages;
    if (first?.type !== "header") throw new Error("A snapshot begins with its header.");
    if (!lost) {
      for (const message of messages) this.replica.accept(message);
      this.base = sync;
    }
    return { sync, header: first.header, manifest, contentBytes, messages };
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A replica as the protocol understands it: per table a multiset of row digests. */
export class Replica {
  readonly tables = new Map<string, Map<string, number>>();

  accept(message: Message): void {
    if (message.type === "header") {
      const { tables, work } = message.header;
      const names = new Set(tables.map(({ name }) => name));
      for (const name of this.tables.keys()) if (!names.has(name)) this.tables.delete(name);
      for (const { table, whole } of work) if (whole) this.tables.set(table, new Map());
      return;
    }
    if (message.type === "rows")
      for (const digest of digestsOfRows(message.table, message.bytes))
        this.#count(message.table.name, digest, 1);
    if (message.type === "removed")
      for (let at = 0; at < message.digests.length; at += 32)
        this.#count(message.table.name, message.digests.toString("hex", at, at + 32), -1);
  }

  #count(table: string, digest: string, change: number): void {
    const rows = this.tables.get(table);
    if (!rows) throw new Error(`Rows of ${table} came before the table.`);
    const count = (rows.get(digest) ?? 0) + change;
    if (count < 0) throw new Error(`A row of ${table} is removed that was not there.`);
    if (count === 0) rows.delete(digest);
    else rows.set(digest, count);
  }

  /** As {@link digestsOfDatabase} gives them. */
  get contents(): Record<string, string[]> {
    return Object.fromEntries(
      [...this.tables].map(([name, rows]) => [
        name,
        [...rows].flatMap(([digest, count]) => Array<string>(count).fill(digest)).sort(),
      ]),
    );
  }

  /** What a manifest would have to say. */
  sums(): Record<string, string> {
    return Object.fromEntries(
      [...this.tables].map(([name, rows]) => {
        const sum = new TableSum();
        for (const [digest, count] of rows)
          for (let row = 0; row < count; row++) sum.add(Buffer.from(digest, "hex"));
        return [name, `${sum.rows} ${sum}`];
      }),
    );
  }
}

function* digestsOfRows({ name, columns }: SourceTable, bytes: Buffer): Generator<string> {
  const digester = new RowDigester(
    name,
    columns.map((column) => column.name),
  );
  const cursor = new ValueCursor(bytes);
  for (;;) {
    const bounds: number[] = [];
    while (bounds.length < columns.length && cursor.next()) bounds.push(cursor.start);
    if (bounds.length === 0) return;
    yield digester.digest(bytes, [...bounds, cursor.end]).toString("hex");
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** The digests of all rows, sorted, by table; read over another connection and another way than the reader's. */
export function digestsOfDatabase(database: DatabaseSync): Record<string, string[]> {
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .all()
    .map(({ name }) => String(name));
  return Object.fromEntries(names.map((name) => [name, digestsOfTable(database, name)]));
}

export function digestsOfTable(database: DatabaseSync, table: string): string[] {
  const columns = database
    .prepare("SELECT name FROM pragma_table_info(?)")
    .all(table)
    .map(({ name }) => String(name));
  const parts = columns.map(quoted).flatMap((name) => [`typeof(${name})`, `hex(${name})`, name]);
  const select = database.prepare(`SELECT ${parts.join(", ")} FROM ${quoted(table)}`);
  select.setReturnArrays(true);
  select.setReadBigInts(true);
  const digester = new RowDigester(table, columns);
  return (select.all() as unknown as SqliteValue[][])
    .map((row) => {
      const values = columns.map((_, column) => [
        encodeValue(valueOfClass(row.slice(3 * column, 3 * column + 3))),
      ]);
      return digester.digestPieces(values).toString("hex");
    })
    .sort();
}

function valueOfClass([storageClass, hex, value]: SqliteValue[]): SqliteValue {
  const bytes = Buffer.from(hex as string, "hex");
  if (storageClass === "text") return new RawText(bytes);
  return storageClass === "blob" ? bytes : (value as SqliteValue);
}

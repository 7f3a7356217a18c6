import * as z from "zod";
import { BackupStatus } from "./backup-status.ts";
import { type Frame, FrameType, readFrames } from "./frame.ts";
import { MAX_COLUMNS, MAX_TABLES } from "./limit.ts";
import { nameProblem } from "./name.ts";
import { DIGEST_BYTES } from "./row-digest.ts";

const name = z
  .string()
  .refine((value) => nameProblem(value) === undefined, "a name that no replica can hold");
const count = z.int().nonnegative();
const sum = z.string().regex(/^[0-9a-f]{64}$/);

/** What `.owui-identity.json` in a tenant's data directory says: which fleet's which tenant this data is. */
export const Identity = z.object({
  fleet: z.string().min(1).max(255),
  tenant: z.string().min(1).max(255),
  id: z.uuid(),
  created: z.string().max(64),
});
export type Identity = z.infer<typeof Identity>;

/** One table as the source declares it. */
export const SourceTable = z.object({
  name,
  /** In the order in which rows carry them. Generated columns are left out. */
  columns: z
    .array(z.object({ name, declared: z.string().max(255) }))
    .min(1)
    .max(MAX_COLUMNS),
  /** The columns that name a row: the primary key, else a unique constraint over NOT NULL columns, else null. */
  key: z.array(name).min(1).nullable(),
  /** The statements that made it, then its indexes and triggers, as SQLite keeps them; never run on Postgres. */
  ddl: z.array(z.string()).min(1),
});
export type SourceTable = z.infer<typeof SourceTable>;

/** What a stream carries of one table. */
export const TableWork = z.object({
  table: name,
  /** True: its rows are all that the table holds. False: they are added to what the base had, less the removed. */
  whole: z.boolean(),
  /** Rows that follow. */
  rows: count,
  /** Rows of the base that are gone or were replaced; 0 for a whole table. */
  removed: count,
  /** Canonical bytes of the rows that follow, about: for showing progress only. */
  bytes: count,
});
export type TableWork = z.infer<typeof TableWork>;

/** What the source holds beside its tables; for restoring a file, never run on Postgres. */
export const SourceFile = z.object({
  /** Views, virtual tables and what hangs on them, in the order in which they can be made. */
  objects: z.array(z.object({ type: z.string(), name: z.string(), ddl: z.string() })),
  /** Settings that the file itself keeps. */
  pragmas: z.object({
    user_version: z.int(),
    application_id: z.int(),
    page_size: z.int(),
    auto_vacuum: z.int(),
  }),
});
export type SourceFile = z.infer<typeof SourceFile>;

/** The first frame of a stream that carries contents. */
export const Header = z
  .object({
    sync: z.uuid(),
    /** Counts the full comparisons that began this tenant's history anew, from 1. */
    generation: z.int().positive(),
    /** `full`: every row of every table follows. `delta`: what is to be done to a replica that holds `base`. */
    mode: z.enum(["full", "delta"]),
    /** The sync that a delta is relative to, the one that the request named; null for a full stream. */
    base: z.uuid().nullable(),
    identity: Identity,
    /** Every table of the source, also those of which nothing follows. */
    tables: z.array(SourceTable).max(MAX_TABLES),
    /** What follows, in the order of `tables`; of a full stream every table, whole. */
    work: z.array(TableWork).max(MAX_TABLES),
    source: SourceFile,
    /** What the source has and the replica will not (views, virtual tables ...), and why. */
    skipped: z.array(z.object({ name: z.string(), why: z.string() })),
  })
  .refine(
    ({ mode, base }) => (mode === "delta") === (base !== null),
    "a delta has a base, and nothing else has",
  )
  .refine(
    ({ mode, tables, work }) =>
      mode === "delta" || (work.length === tables.length && work.every((w) => w.whole)),
    "a full stream carries every table, whole",
  );
export type Header = z.infer<typeof Header>;

/** Announces what follows of one table, as the header's `work` says. */
export const TableStart = z.object({ table: name });
export type TableStart = z.infer<typeof TableStart>;

/** Ends a stream that carried contents: what the replica has to equal. */
export const Manifest = z.object({
  sync: z.uuid(),
  tables: z.array(z.object({ name, rows: count, sum })).max(MAX_TABLES),
});
export type Manifest = z.infer<typeof Manifest>;

/** Nothing was written since the sync that the request named as committed. */
export const Unchanged = z.object({ sync: z.uuid(), tables: count, rows: count });
export type Unchanged = z.infer<typeof Unchanged>;

/** Why there are no contents, or no further ones. */
export const Failure = z.object({ code: z.string().max(64), message: z.string(), remedy: z.string() });
export type Failure = z.infer<typeof Failure>;

/** Body of a request for changes. */
export const ChangesRequest = z.object({
  /** The last sync that the replica holds, verified and committed; null when there is none. */
  committed: z.uuid().nullable(),
  /** True asks for every row, whatever was committed: to verify deeply and repair. */
  full: z.boolean().default(false),
  /**
   * A sync that was offered and not committed, because an operator has to decide about it: when nothing was written
   * since, the answer is `unchanged` since that one, and it stays neither committed nor dropped.
   */
  held: z.uuid().nullable().default(null),
});
export type ChangesRequest = z.infer<typeof ChangesRequest>;

/** Answer of `GET /v1/inventory`. */
export const Inventory = z.object({
  host: z.string(),
  tenants: z.array(
    z.object({
      id: z.string(),
      /** null when the data directory holds none that can be read. */
      identity: Identity.nullable(),
      database: z.object({
        exists: z.boolean(),
        bytes: count,
        journal_mode: z.enum(["wal", "rollback"]).nullable(),
        modified_at: z.iso.datetime().nullable(),
      }),
      /** Null: its host does not back it up. */
      backup: BackupStatus.nullable().default(null),
    }),
  ),
});
export type Inventory = z.infer<typeof Inventory>;

/**
 * One message of a stream, parsed. `rows` are canonical values as in value.ts, whole rows only; `removed` are row
 * digests, one behind the other, one for each row that goes (equal rows have equal digests).
 */
export type Message =
  | { type: "header"; header: Header }
  | { type: "table"; table: SourceTable; work: TableWork }
  | { type: "rows"; table: SourceTable; bytes: Buffer }
  | { type: "removed"; table: SourceTable; digests: Buffer }
  | { type: "manifest"; manifest: Manifest }
  | { type: "unchanged"; unchanged: Unchanged }
  | { type: "error"; error: Failure };

/** A stream whose frames are whole but do not make sense. */
export class StreamError extends Error {
  override name = "StreamError";
  readonly code: "stream-malformed" | "stream-interrupted";

  constructor(code: StreamError["code"], found: string, options?: ErrorOptions) {
    super(
      `The agent's answer cannot be used: ${found}. The replica keeps what it has; the sync is tried again.`,
      options,
    );
    this.code = code;
  }
}

/**
 * Reads a whole answer of the agent, message by message, and checks their order. Ends normally only behind a manifest,
 * `unchanged` or `error`: a connection that breaks throws `stream-interrupted`, however tidy the break looks.
 */
export async function* readMessages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Message> {
  const order = new StreamOrder();
  for await (const frame of readFrames(source)) yield order.accept(frame);
  if (!order.ended) throw new StreamError("stream-interrupted", "it broke off before its end");
}

/** Knows which frame may come next. */
class StreamOrder {
  #header: Header | undefined;
  /** By name, those of the header. */
  #tables = new Map<string, SourceTable>();
  /** Index in the header's work of what is coming; -1 before the first. */
  #at = -1;
  ended = false;

  accept({ type, payload }: Frame): Message {
    if (this.ended) throw new StreamError("stream-malformed", "something follows its last frame");
    switch (type) {
      case FrameType.header:
        this.#expect(!this.#header, "a second header");
        return { type: "header", header: this.#acceptHeader(parse(Header, payload, "header")) };
      case FrameType.table: {
        const { table: name } = parse(TableStart, payload, "table");
        const work = this.#header?.work[++this.#at];
        if (work?.table !== name)
          throw new StreamError("stream-malformed", `table ${name} is not the next of the header`);
        return { type: "table", table: this.#table(), work };
      }
      case FrameType.rows:
        return { type: "rows", table: this.#table(), bytes: payload };
      case FrameType.removed: {
        const digests = payload.length > 0 && payload.length % DIGEST_BYTES === 0;
        this.#expect(digests && !this.#header?.work[this.#at]?.whole, "`removed` that is no list of digests");
        return { type: "removed", table: this.#table(), digests: payload };
      }
      case FrameType.manifest: {
        const manifest = parse(Manifest, payload, "manifest");
        this.#checkManifest(manifest);
        this.ended = true;
        return { type: "manifest", manifest };
      }
      case FrameType.unchanged:
        this.#expect(!this.#header, "`unchanged` behind contents");
        this.ended = true;
        return { type: "unchanged", unchanged: parse(Unchanged, payload, "unchanged") };
      case FrameType.error:
        this.ended = true;
        return { type: "error", error: parse(Failure, payload, "error") };
      default:
        throw new StreamError("stream-malformed", `a frame has the unknown type ${type}`);
    }
  }

  /** Work has to be of tables that there are, each once, in their order. */
  #acceptHeader(header: Header): Header {
    this.#header = header;
    for (const table of header.tables) this.#tables.set(table.name, table);
    this.#expect(this.#tables.size === header.tables.length, "a table twice");
    const announced = new Set(header.work.map(({ table }) => table));
    const inOrder = header.tables.filter(({ name }) => announced.has(name));
    const same = inOrder.every(({ name }, index) => name === header.work[index]?.table);
    this.#expect(same && inOrder.length === header.work.length, "work of other tables than it has");
    return header;
  }

  /** The table of which something is coming. */
  #table(): SourceTable {
    const table = this.#tables.get(this.#header?.work[this.#at]?.table ?? "");
    if (!table) throw new StreamError("stream-malformed", "rows came before their table");
    return table;
  }

  /** The manifest has to speak of this sync and of all tables, and to come behind all that was announced. */
  #checkManifest(manifest: Manifest): void {
    const header = this.#header;
    if (header?.sync !== manifest.sync || this.#at !== header.work.length - 1)
      throw new StreamError("stream-malformed", "its manifest came early or belongs to another sync");
    const same = manifest.tables.every((table, index) => table.name === header.tables[index]?.name);
    this.#expect(same && manifest.tables.length === header.tables.length, "a manifest of other tables");
  }

  #expect(condition: boolean, found: string): void {
    if (!condition) throw new StreamError("stream-malformed", `it holds ${found}`);
  }
}

function parse<T>(schema: z.ZodType<T>, payload: Buffer, what: string): T {
  try {
    return schema.parse(JSON.parse(payload.toString()));
  } catch (cause) {
    throw new StreamError("stream-malformed", `its ${what} frame is not what the protocol says`, { cause });
  }
}

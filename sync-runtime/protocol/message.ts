import * as z from "zod";
import { type Frame, FrameType, readFrames } from "./frame.ts";
import { MAX_COLUMNS, MAX_TABLES } from "./limit.ts";
import { nameProblem } from "./name.ts";

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
  /** The statement that made it, as SQLite keeps it; for restoring a file, never run on Postgres. */
  ddl: z.string(),
});
export type SourceTable = z.infer<typeof SourceTable>;

/** The first frame of a stream that carries contents. */
export const Header = z.object({
  sync: z.uuid(),
  /** Counts the full comparisons that began this tenant's history anew, from 1. */
  generation: z.int().positive(),
  /** `full`: every row of every table follows. */
  mode: z.literal("full"),
  identity: Identity,
  tables: z.array(SourceTable).max(MAX_TABLES),
  /** What the source has and the replica will not (views, virtual tables ...), and why. */
  skipped: z.array(z.object({ name: z.string(), why: z.string() })),
});
export type Header = z.infer<typeof Header>;

/** Announces the rows of one table. */
export const TableStart = z.object({ table: name, rows: count });
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
    }),
  ),
});
export type Inventory = z.infer<typeof Inventory>;

/** One message of a stream, parsed. `rows` are canonical values as in value.ts, whole rows only. */
export type Message =
  | { type: "header"; header: Header }
  | { type: "table"; table: SourceTable; rows: number }
  | { type: "rows"; table: SourceTable; bytes: Buffer }
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
  /** Index in the header of the table whose rows are coming; -1 before the first. */
  #table = -1;
  ended = false;

  accept({ type, payload }: Frame): Message {
    if (this.ended) throw new StreamError("stream-malformed", "something follows its last frame");
    switch (type) {
      case FrameType.header:
        this.#expect(!this.#header, "a second header");
        this.#header = parse(Header, payload, "header");
        return { type: "header", header: this.#header };
      case FrameType.table: {
        const { table: name, rows } = parse(TableStart, payload, "table");
        const table = this.#header?.tables[++this.#table];
        if (table?.name !== name)
          throw new StreamError("stream-malformed", `table ${name} is not the next of the header`);
        return { type: "table", table, rows };
      }
      case FrameType.rows: {
        const table = this.#header?.tables[this.#table];
        if (!table) throw new StreamError("stream-malformed", "rows came before their table");
        return { type: "rows", table, bytes: payload };
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

  /** The manifest has to speak of this sync and of exactly the tables that were sent. */
  #checkManifest(manifest: Manifest): void {
    const header = this.#header;
    if (header?.sync !== manifest.sync || this.#table !== header.tables.length - 1)
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

import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { RawText } from "../../../sync-runtime/protocol/value.ts";
import { Random } from "../../support/webui/random.ts";
import type { AnyValue, LongValue, Operation, Shape } from "./operation.ts";

const quoted = (identifier: string) => `"${identifier.replaceAll('"', '""')}"`;

const isLong = (value: AnyValue | undefined): value is LongValue =>
  typeof value === "object" && value !== null && "long" in value;

/** A placeholder that keeps text which is no valid UTF-8, and what is bound to it. */
function bound(value: AnyValue | undefined): { sql: string; value: SQLInputValue } {
  if (isLong(value)) {
    const bytes = Buffer.alloc(value.bytes, "long value, ");
    return { sql: value.long === "text" ? "CAST(? AS TEXT)" : "?", value: bytes };
  }
  if (value instanceof RawText) return { sql: "CAST(? AS TEXT)", value: value.bytes };
  if (typeof value === "string") return { sql: "CAST(? AS TEXT)", value: Buffer.from(value) };
  return { sql: "?", value: value ?? null };
}

/** A value as a literal that ALTER TABLE takes for a default. */
function literal(value: AnyValue): string {
  if (value === null) return "NULL";
  if (typeof value === "bigint") return `${value}`;
  if (typeof value === "number") return `${value}`.replace("Infinity", "9e999");
  if (isLong(value)) return `'default of ${value.bytes}'`;
  const bytes =
    typeof value === "string" ? Buffer.from(value) : value instanceof RawText ? value.bytes : value;
  return `x'${Buffer.from(bytes).toString("hex")}'`;
}

/** A database that is changed at random. What SQLite refuses (a key twice, a last column) has not happened. */
export class EvolvingDatabase implements Disposable {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #random = new Random("evolution");

  constructor(path: string, journal: "wal" | "rollback", pageSize: number) {
    this.path = path;
    this.#database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    const mode = journal === "wal" ? "WAL" : "DELETE";
    this.#database.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = ${mode}`);
    this.#prepare();
    this.#database.exec("CREATE TABLE first (id INTEGER PRIMARY KEY, content TEXT)");
  }

  /** What every connection needs. */
  #prepare(): void {
    this.#database.exec("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 50");
    // SQLite's own random() would make a failure impossible to repeat.
    this.#database.function("pick", (limit) => this.#random.below(Number(limit)));
  }

  /** Lets go of the file; a WAL database is settled then. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Applies one operation, inside a transaction of its own where it can be. */
  apply(operation: Operation): void {
    try {
      this.#apply(operation);
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_SQLITE_ERROR") throw error;
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    }
  }

  #apply(operation: Operation): unknown {
    switch (operation.do) {
      case "create":
        return this.#create(operation.name, operation.shape);
      case "vacuum":
        return this.#database.exec("VACUUM");
      case "checkpoint":
        return this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      case "wal":
        return this.#database.exec("PRAGMA journal_mode = WAL");
      case "rollback":
        return this.#database.exec("PRAGMA journal_mode = DELETE");
      case "shuffle pages":
        return this.#database.exec("PRAGMA auto_vacuum = FULL; VACUUM");
      case "view":
        return this.#database.exec(
          "CREATE VIEW IF NOT EXISTS seen AS SELECT * FROM first; CREATE VIRTUAL TABLE IF NOT EXISTS found USING fts5(words); INSERT INTO found VALUES ('a b c')",
        );
      case "settings":
        return this.#database.exec("PRAGMA user_version = 7");
      case "reopen":
        this.#database.close();
        this.#database.open();
        return this.#prepare();
    }
    return "table" in operation && this.#applyToTable(operation);
  }

  #applyToTable(operation: Extract<Operation, { table: number }>): unknown {
    const tables = this.#tables();
    const table = tables[operation.table % tables.length];
    if (table === undefined) return;
    const columns = this.#columns(table);
    const place = "column" in operation && typeof operation.column === "number" ? operation.column : 0;
    const column = quoted(columns[place % columns.length] ?? "");
    const name = quoted(table);
    switch (operation.do) {
      case "insert":
        return this.#insert(table, operation.rows);
      case "insert many":
        return this.#insertMany(table, operation.count, operation.value);
      case "update": {
        const { sql, value } = bound(operation.value);
        this.#database
          .prepare(`UPDATE OR IGNORE ${name} SET ${column} = ${sql} WHERE pick(${operation.every}) = 0`)
          .run(value);
        return;
      }
      case "delete":
        return this.#database.exec(`DELETE FROM ${name} WHERE pick(${operation.every}) = 0`);
      case "swap":
        // The same values, each at another's place.
        return this.#database.exec(
          `UPDATE OR IGNORE ${name} SET ${column} = (SELECT o.${column} FROM ${name} AS o LIMIT 1 OFFSET pick(5))`,
        );
      case "roll back": {
        this.#database.exec("BEGIN");
        this.#insertMany(table, 500, operation.value);
        this.#database.exec("PRAGMA cache_spill = 1; ROLLBACK");
        return;
      }
      case "drop":
        return this.#database.exec(`DROP TABLE ${name}`);
      case "recreate":
        this.#database.exec(`DROP TABLE ${name}`);
        this.#create(table, operation.shape);
        return this.#insert(table, operation.rows);
      case "rename":
        return this.#database.exec(`ALTER TABLE ${name} RENAME TO ${quoted(operation.name)}`);
      case "add column":
        return this.#addColumn(name, operation.column, operation.value);
      case "drop column":
        return this.#database.exec(`ALTER TABLE ${name} DROP COLUMN ${column}`);
      case "rename column":
        return this.#database.exec(
          `ALTER TABLE ${name} RENAME COLUMN ${column} TO ${quoted(operation.name)}`,
        );
      case "index":
        return this.#database.exec(`CREATE INDEX ${quoted(`i ${table} ${place}`)} ON ${name} (${column})`);
    }
  }

  /** Older rows do not store a column that was added; its default is what they give. */
  #addColumn(name: string, column: { name: string; declared: string }, value: AnyValue): void {
    this.#database.exec(
      `ALTER TABLE ${name} ADD COLUMN ${quoted(column.name)} ${column.declared} DEFAULT ${literal(value)}`,
    );
  }

  #create(name: string, { columns, key, generated, index }: Shape): void {
    const [first = "", second] = columns.map((c) => quoted(c.name));
    const both = second ? `${second}, ${first}` : first;
    const defined = columns.map((c) => `${quoted(c.name)} ${c.declared}`);
    const constraints: string[] = [];
    if (key === "rowid") defined[0] = `${first} INTEGER PRIMARY KEY`;
    if (key === "autoincrement") defined[0] = `${first} INTEGER PRIMARY KEY AUTOINCREMENT`;
    if (key === "descending") defined[0] = `${first} INTEGER PRIMARY KEY DESC`;
    if (key === "text" || key === "without rowid") constraints.push(`PRIMARY KEY (${first})`);
    if (key === "composite" || key === "without rowid composite") constraints.push(`PRIMARY KEY (${both})`);
    if (key === "nocase") constraints.push(`PRIMARY KEY (${first} COLLATE NOCASE DESC)`);
    if (key === "unique") defined[0] += " NOT NULL UNIQUE";
    if (generated) defined.push(`made AS (coalesce(${first}, 0) || 'x') ${generated}`);
    const options = key.startsWith("without") ? " WITHOUT ROWID" : "";
    this.#database.exec(
      `CREATE TABLE ${quoted(name)} (${[...defined, ...constraints].join(", ")})${options}`,
    );
    if (index) this.#database.exec(`CREATE INDEX ${quoted(`by ${name}`)} ON ${quoted(name)} (${both})`);
  }

  #insert(table: string, rows: AnyValue[][]): void {
    const columns = this.#columns(table);
    for (const row of rows) {
      const values = columns.map((_, index) => bound(row[index % row.length]));
      this.#database
        .prepare(
          `INSERT OR REPLACE INTO ${quoted(table)} (${columns.map(quoted)}) VALUES (${values.map((v) => v.sql)})`,
        )
        .run(...values.map((v) => v.value));
    }
  }

  /** Rows of which each differs in its first column. */
  #insertMany(table: string, count: number, value: AnyValue): void {
    const columns = this.#columns(table);
    const { sql, value: content } = bound(value);
    const values = columns.map((_, index) => (index === 0 ? "pick(1000000)" : sql));
    const statement = this.#database.prepare(
      `INSERT OR IGNORE INTO ${quoted(table)} (${columns.map(quoted)}) VALUES (${values})`,
    );
    const own = !this.#database.isTransaction;
    // Long values in each of hundreds of rows would only cost time.
    const times = Math.max(
      1,
      Math.min(count, 2_000_000 / (1 + ((content as { length?: number } | null)?.length ?? 0))),
    );
    if (own) this.#database.exec("BEGIN");
    for (let row = 0; row < times; row++) statement.run(...columns.slice(1).map(() => content));
    if (own) this.#database.exec("COMMIT");
  }

  #tables(): string[] {
    const found = this.#database.prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    return found.all().map(({ name }) => name as string);
  }

  #columns(table: string): string[] {
    const found = this.#database.prepare("SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0");
    return found.all(table).map(({ name }) => name as string);
  }
}

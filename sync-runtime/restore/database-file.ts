import { DatabaseSync, type StatementSync } from "node:sqlite";
import { MAX_ROW_BYTES } from "../protocol/limit.ts";
import type { SourceFile } from "../protocol/message.ts";
import { type CopiedColumn, isTextType, type RestoredRow } from "./copy-reader.ts";
import { RestoreError } from "./restore-error.ts";

/** Something of the source that the new file does not have, or not with its contents. */
export interface Missing {
  name: string;
  why: string;
}

/** Statements of the source that may be run, by what they make. SQLite keeps them in just these words. */
const CREATES: Record<string, RegExp> = {
  table: /^CREATE\s+TABLE\s/i,
  index: /^CREATE\s+(UNIQUE\s+)?INDEX\s/i,
  trigger: /^CREATE\s+TRIGGER\s/i,
  view: /^CREATE\s+VIEW\s/i,
  virtual: /^CREATE\s+VIRTUAL\s+TABLE\s/i,
};

/**
 * Settings while the file is made: it is nobody's yet, so a crash may leave anything. The statements are a tenant's:
 * none can attach another file, and no function of the schema is trusted. Rows were valid where they came from.
 */
const BUILDING = `
  PRAGMA journal_mode = MEMORY;
  PRAGMA synchronous = OFF;
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA cache_size = -16384;
  PRAGMA foreign_keys = OFF;
  PRAGMA ignore_check_constraints = ON;
  PRAGMA trusted_schema = OFF;
`;

/** A SQLite database being made in the form that the source had. */
export class DatabaseFile implements Disposable {
  readonly #database: DatabaseSync;
  readonly missing: Missing[] = [];

  /** @param path of an empty file, or of one to be made */
  constructor(path: string, pragmas: SourceFile["pragmas"] | undefined) {
    this.#database = new DatabaseSync(path, {
      enableForeignKeyConstraints: false,
      readBigInts: true,
      limits: { length: 2 * MAX_ROW_BYTES, attach: 0 },
    });
    try {
      this.#begin(pragmas);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Makes a table; without it there is no file. */
  createTable(name: string, ddl: string): void {
    try {
      this.#create(ddl, "table");
    } catch (cause) {
      throw new RestoreError(
        "schema-unusable",
        `Table ${JSON.stringify(name)} cannot be made by the statement the source had: ${(cause as Error).message}. ` +
          "No file was made.",
        { cause },
      );
    }
  }

  /** Takes rows of a table, some at a time. */
  inserter(table: string, columns: readonly CopiedColumn[]): (rows: readonly RestoredRow[]) => void {
    const usual = columns.map(({ type }) => isTextType(type));
    const names = columns.map(({ name }) => quoted(name)).join(", ");
    const statements = new Map<string, StatementSync>();
    const statementFor = (texts: readonly boolean[]): StatementSync => {
      const key = texts.map(Number).join("");
      const known = statements.get(key);
      if (known) return known;
      // Bytes become a text as they are, valid UTF-8 or not. The column's affinity changes nothing: it was applied before.
      const values = texts.map((text) => (text ? "CAST(? AS TEXT)" : "?")).join(", ");
      const made = this.#database.prepare(`INSERT INTO ${quoted(table)} (${names}) VALUES (${values})`);
      // A tenant decides how many forms there are.
      if (statements.size < 64) statements.set(key, made);
      return made;
    };
    const ordinary = statementFor(usual);
    return (rows) => {
      for (const { values, texts } of rows) (texts ? statementFor(texts) : ordinary).run(...values);
    };
  }

  /**
   * Makes what hangs on the tables, once their rows are there: indexes and triggers, then views and virtual tables.
   * What cannot be made is noted in {@link missing}: no row is lost by it.
   */
  finish(attached: readonly string[], objects: SourceFile["objects"]): void {
    for (const ddl of attached) this.#attempt(nameIn(ddl), ddl, "index", "trigger");
    for (const { type, name, ddl } of objects) {
      const made = this.#attempt(name, ddl, ...(type === "table" ? ["virtual"] : [type]));
      if (made && type === "table") this.#fill(name, ddl);
    }
    this.#database.exec("COMMIT; PRAGMA locking_mode = NORMAL");
    // As managed tenants run; Open WebUI before 0.9 turns it back by itself unless told otherwise.
    this.#database.exec("PRAGMA journal_mode = WAL");
    this.#database.close();
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #begin(pragmas: SourceFile["pragmas"] | undefined): void {
    this.#database.enableDefensive(true);
    // The first two count only before there is anything in the file.
    if (pragmas)
      this.#database.exec(
        `PRAGMA page_size = ${pragmas.page_size}; PRAGMA auto_vacuum = ${pragmas.auto_vacuum};
         PRAGMA user_version = ${pragmas.user_version}; PRAGMA application_id = ${pragmas.application_id};`,
      );
    this.#database.exec(BUILDING);
    this.#database.exec("BEGIN");
  }

  #attempt(name: string, ddl: string, ...kinds: string[]): boolean {
    try {
      this.#create(ddl, ...kinds);
      return true;
    } catch (error) {
      this.missing.push({ name, why: `it cannot be made: ${(error as Error).message}` });
      return false;
    }
  }

  /** A full-text index over a table's rows is computed anew; what only a module kept is not in any replica. */
  #fill(name: string, ddl: string): void {
    const content =
      /\busing\s+fts[345]\b/i.test(ddl) && /[(,]\s*content\s*=\s*(['"]?)([^'",)\s]+)\1/i.exec(ddl);
    const why = "it was made empty: what its module keeps is in no replica";
    if (!content) {
      this.missing.push({ name, why });
      return;
    }
    try {
      this.#database.exec(`INSERT INTO ${quoted(name)} (${quoted(name)}) VALUES ('rebuild')`);
    } catch (error) {
      this.missing.push({ name, why: `${why}, and rebuilding it failed: ${(error as Error).message}` });
    }
  }

  /** Runs one statement, which has to make one of `kinds`: a schema that was tampered with could say anything. */
  #create(ddl: string, ...kinds: string[]): void {
    if (!kinds.some((kind) => CREATES[kind]?.test(ddl)))
      throw new Error(`a statement that makes a ${kinds.join(" or ")} was expected`);
    this.#database.prepare(ddl).run();
  }
}

/** What a statement makes, for people. */
const nameIn = (ddl: string): string =>
  /^CREATE\s+(?:UNIQUE\s+)?(?:INDEX|TRIGGER)\s+("(?:[^"]|"")*"|\S+)/i.exec(ddl)?.[1] ?? ddl.slice(0, 60);

/** `name` as an SQL identifier. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

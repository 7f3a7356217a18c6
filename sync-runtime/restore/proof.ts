import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { RowDigester } from "../protocol/row-digest.ts";
import { TableSum } from "../protocol/table-sum.ts";
import { encodeValue, RawText, type SqliteValue, ValueTag } from "../protocol/value.ts";
import { quoted } from "./database-file.ts";

/** What SQLite itself says of a file. */
export interface Health {
  /** Empty when it found nothing wrong. */
  damage: string[];
  /** Rows that refer to one that is not there. Open WebUI leaves such rows, so they are normal. */
  orphans: number;
}

/** Reads a finished file back as any program would. */
export class FileProof implements Disposable {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    // Immutable: nobody else knows the file yet, and reading it leaves nothing beside it.
    const url = `${pathToFileURL(path).href}?immutable=1`;
    this.#database = new DatabaseSync(url, { readOnly: true, readBigInts: true, returnArrays: true });
    this.#database.exec(
      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -16384;",
    );
  }

  /** Counts a table's rows and adds their digests up, by the specification that agent and Postgres follow. */
  sum(table: string, columns: readonly string[]): TableSum {
    const digester = new RowDigester(table, columns);
    const sum = new TableSum();
    const rows = this.#database
      .prepare(`SELECT ${columns.flatMap(exactValue).join(", ")} FROM ${quoted(table)} NOT INDEXED`)
      .iterate() as Iterable<unknown> as Iterable<unknown[]>;
    for (const row of rows) {
      const values = columns.map((_, index) => canonicalPieces(row[2 * index], row[2 * index + 1]));
      sum.add(digester.digestPieces(values));
    }
    return sum;
  }

  health(): Health {
    const rows = (sql: string) => this.#database.prepare(sql).all() as unknown as unknown[][];
    const said = rows("PRAGMA integrity_check(10)").map(([line]) => String(line));
    // A foreign key that names no table, or no key of it, cannot be checked at all.
    let orphans = 0;
    for (const [table] of rows(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
    )) {
      try {
        orphans += rows(`PRAGMA foreign_key_check(${quoted(String(table))})`).length;
      } catch {}
    }
    return { damage: said.filter((line) => line !== "ok"), orphans };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** A column's storage class, and its value with text as bytes: as a string, invalid UTF-8 would be replaced. */
function exactValue(column: string): string[] {
  const name = quoted(column);
  return [`typeof(${name})`, `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`];
}

/** The canonical bytes of a value in parts, so that a long one is not copied. */
function canonicalPieces(storageClass: unknown, value: unknown): Uint8Array[] {
  if (!(value instanceof Uint8Array)) return [encodeValue(value as SqliteValue)];
  const text = storageClass === "text";
  if (value.length < 4096) return [encodeValue(text ? new RawText(value) : value)];
  const head = Buffer.of(text ? ValueTag.text : ValueTag.blob, 0, 0, 0, 0);
  head.writeUInt32BE(value.length, 1);
  return [head, value];
}

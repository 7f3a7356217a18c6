import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FileProof } from "../../sync-runtime/restore/proof.ts";
import { createWebuiDatabase, type WebuiDatabaseOptions } from "./webui-database.ts";

const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

/** A snapshot of a tenant as a backup leaves it in a folder (docs/backups.md), with a manifest that is computed here anew. */
export class BackupFolder {
  readonly path: string;

  constructor(path: string, options: Partial<WebuiDatabaseOptions> = {}) {
    this.path = path;
    for (const folder of ["data/uploads", "data/vector_db", "config"])
      mkdirSync(join(path, folder), { recursive: true });
    createWebuiDatabase(this.at("webui.db"), { schema: "v0.11.3-fresh", journal: "wal", ...options });
    this.write('data/uploads/it\'s "the" report\n.txt', "what was uploaded");
    this.write("data/vector_db/chroma.sqlite3", "vectors");
    this.write("config/webui_secret_key", "key");
    this.write("config/identity.json", '{"tenant":"acme"}');
  }

  at(path: string): string {
    return join(this.path, path);
  }

  write(path: string, content: string): void {
    writeFileSync(this.at(path), content);
  }

  /** What a backup of just this says. */
  manifest(change: object = {}): Record<string, unknown> {
    const lines = this.lines();
    const bytes = this.#files().reduce((sum, path) => sum + statSync(this.at(path)).size, 0);
    const database = readFileSync(this.at("webui.db"));
    return {
      ...{
        format: 1,
        tenant: "acme",
        identity: "5b9c",
        openWebui: "v0.11.3",
        takenAt: "2026-11-22T06:00:00Z",
      },
      database: { bytes: database.length, sha256: sha256(database), tables: this.#tables() },
      files: { count: lines.length, bytes, sha256: sha256(lines.join("")) },
      entry: { version: "v0.11.3" },
      ...change,
    };
  }

  /** The list of files that the manifest has the digest of. */
  lines(): string[] {
    const paths = this.#files().sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return paths.map((path) => `${sha256(readFileSync(this.at(path)))}  ${path}\n`);
  }

  seal(change: object = {}): this {
    this.write("manifest.json", JSON.stringify(this.manifest(change)));
    return this;
  }

  #files(): string[] {
    return ["data", "config"].flatMap((part) =>
      readdirSync(this.at(part), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(this.path.length + 1)),
    );
  }

  #tables(): Record<string, { rows: number; sum: string }> {
    const database = new DatabaseSync(this.at("webui.db"), { readOnly: true });
    const columns = database.prepare(
      `SELECT t.name AS "table", c.name AS "column" FROM pragma_table_list t, pragma_table_xinfo(t.name) c
       WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.hidden = 0`,
    );
    const tables = Map.groupBy(columns.all() as { table: string; column: string }[], ({ table }) => table);
    database.close();
    using proof = new FileProof(this.at("webui.db"));
    return Object.fromEntries(
      [...tables].map(([name, found]) => {
        const sum = proof.sum(
          name,
          found.map(({ column }) => column),
        );
        return [name, { rows: sum.rows, sum: sum.toString() }];
      }),
    );
  }
}

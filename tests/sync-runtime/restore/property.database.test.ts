import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { restore } from "../../../sync-runtime/restore/restore.ts";
import { SEED } from "../../support/random-seed.ts";
import { contentsOfFile } from "../../support/table-contents.ts";
import { TestReplicas } from "../node/test-replica.ts";
import { EvolvingDatabase } from "../proof/evolving-database.ts";
import { operation } from "../proof/operation.ts";
import { fileSource } from "./file-source.ts";

/** How long random databases are tried; a failing one is repeated by its seed. */
const SECONDS = Number(process.env.OWUI_PROPERTY_SECONDS ?? 15);
/** More than the time allows. */
const TENANTS = 500;

let replicas: TestReplicas;
beforeAll(async () => {
  replicas = await TestReplicas.create(TENANTS);
});
afterAll(() => replicas[Symbol.asyncDispose]());

/** Rows of ordinary tables, and everything else but the pages; SQLite keeps its counters also where no table needs them. */
function everythingIn(path: string): unknown {
  using file = new DatabaseSync(path, { readOnly: true, returnArrays: true });
  const ask = (sql: string) => file.prepare(sql).all() as unknown as string[][];
  const tables = new Set(ask("SELECT name FROM pragma_table_list WHERE type = 'table'").flat());
  const rows = Object.entries(contentsOfFile(path)).filter(([name]) => tables.has(name));
  return {
    rows: Object.fromEntries(rows),
    schema: ask(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> 'sqlite_sequence' ORDER BY type, name",
    ),
    settings: ["page_size", "auto_vacuum", "user_version"].map((name) => ask(`PRAGMA ${name}`)),
  };
}

const database = fc.record({
  pageSize: fc.constantFrom(512, 1024, 4096, 65_536),
  operations: fc.array(operation, { minLength: 5, maxLength: 40 }),
});

test(
  "any database comes back from its replica as it was",
  async () => {
    let restored = 0;
    await fc.assert(
      fc.asyncProperty(database, async ({ pageSize, operations }) => {
        const directory = mkdtempSync(join(tmpdir(), "restore-property-"));
        const [source, to] = [join(directory, "source.db"), join(directory, "webui.db")];
        try {
          const replica = replicas.nextTenant();
          using evolving = new EvolvingDatabase(source, "wal", pageSize);
          for (const each of operations) evolving.apply(each);
          evolving.close();
          await replica.sync(fileSource(source, replica.source.identity));
          const connection = replicas.database.credentials("sync_main");
          await restore({ connection, tenant: replica.tenant, to, force: false, held: false });
          expect(everythingIn(to)).toEqual(everythingIn(source));
          restored++;
        } finally {
          rmSync(directory, { recursive: true });
        }
      }),
      {
        seed: SEED,
        numRuns: TENANTS,
        interruptAfterTimeLimit: SECONDS * 1000,
        markInterruptAsFailure: false,
      },
    );
    console.log(`seed ${SEED}: ${restored} databases restored and compared`);
    expect(restored).toBeGreaterThan(0);
  },
  (SECONDS + 120) * 1000,
);

import { describe, expect, it } from "vitest";
import {
  refuseOtherDatabase,
  restoredOf,
  restoredText,
  whatHappens,
} from "../../../fleet/commands/restore-backup.ts";
import { restoreWay } from "../../../fleet/commands/restore-way.ts";
import { tenantSpec } from "../../components/specs.ts";

const host = { spec: { root: "/srv/fleet" } } as never;
const request = { source: "acme", snapshot: "c0ffee11aa", before: null };
const operation = (found: object) => ({ id: "12", client: "acme", found: found as Record<string, unknown> });

describe("what is told of a restore from a backup", () => {
  const found = {
    ...{ ran: true, held: null, rows: 412, files: 9, takenAt: "2026-11-22T06:00:00Z" },
    ...{ downtime: 31.2, replica: "Its replica equals what was restored." },
  };

  it("says what it is now, how long it was away, and what is kept", () => {
    const done = restoredOf(operation(found), { host }, request);
    expect(done).toMatchObject({
      operation: "12",
      tenant: "acme",
      downtime: 31.2,
      kept: "/srv/fleet/tenants/acme/data.before-12",
    });
    expect(
      restoredText(done),
    ).toBe(`acme is as it was at 2026-11-22T06:00:00Z: 412 rows and 9 files, each proven.
Its users waited for 31.2 s.
Its replica equals what was restored.
What was there until now is kept on its host: /srv/fleet/tenants/acme/data.before-12
  take it back:  npx fleet restore acme --from backup --undo
  remove it:     npx fleet restore acme --from backup --confirm`);
  });

  it("says whose data another tenant has, and that one that did not run was not started", () => {
    const other = restoredOf(
      operation({ ...found, downtime: null }),
      { host },
      { ...request, source: "globex" },
    );
    expect(restoredText(other)).toMatch(/^acme with the data of globex is as it was.*\nIt did not run/);
  });

  it("says what is put back where a restore was undone", () => {
    const undone = restoredOf(
      operation({ ran: true, downtime: 20 }),
      { host },
      { ...request, snapshot: null, before: "7" },
    );
    expect(restoredText(undone)).toMatch(
      /^acme is what it was before that restore\.\nIts users waited for 20 s\./,
    );
  });

  it("puts a dump in place of a Postgres only, and an SQLite file in place of one", () => {
    const chosen = { id: "c0ffee11aa", takenAt: "2026-11-22T06:00:00Z", openWebui: null };
    const url = "postgresql://owui@db.example.com/acme";
    const onPostgres = { spec: tenantSpec({ database: { kind: "postgres", url, password: "x" } }) };
    const onSqlite = { spec: tenantSpec() };
    refuseOtherDatabase(onPostgres, { ...chosen, database: "postgres" });
    refuseOtherDatabase(onSqlite, { ...chosen, database: "sqlite" });
    expect(() => refuseOtherDatabase(onPostgres, { ...chosen, database: "sqlite" })).toThrow(
      /c0ffee11 of 2026-11-22T06:00:00Z holds an SQLite file, and acme works on a Postgres/,
    );
    expect(() => refuseOtherDatabase(onSqlite, { ...chosen, database: "postgres" })).toThrow(
      /holds the dump of a Postgres, and acme works on its SQLite file[\s\S]*--to-folder/,
    );
  });

  it("asks before, with the backup's age", () => {
    const chosen = {
      id: "c0ffee11aa",
      takenAt: "2026-11-22T06:00:00Z",
      openWebui: null,
      database: "sqlite" as const,
    };
    const said = whatHappens("acme", "acme", chosen, Date.parse("2026-11-22T12:00:00Z"));
    expect(said).toMatch(
      /^The backup c0ffee11 of acme, taken at 2026-11-22T06:00:00Z \(6 ?h.* ago\), takes the place/,
    );
  });
});

describe("`fleet restore`", () => {
  it.each([
    [{ from: "backup", force: true }, "acme", /--force is no option of a restore from a backup/],
    [
      { from: "replica", to: "x.db", toFolder: "/x" },
      "acme",
      /--to-folder is no option of a restore from a replica/,
    ],
    [{ from: "replica", to: "x.db", at: "2026" }, "acme", /--at is no option[\s\S]*Add --from backup/],
    [{ from: "replica" }, "acme", /Where the database goes is not said/],
    [{ from: "replica", to: "x.db" }, undefined, /Whose data is restored is not said/],
    [{ from: "replica", to: "x.db", tenant: "globex" }, "acme", /or said twice/],
  ] as const)("refuses %o", async (options, tenant, why) => {
    await expect(restoreWay({ stack: "none", ...options }, tenant)).rejects.toThrow(why);
  });
});

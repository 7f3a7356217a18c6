import { readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import type { GuardedWrite } from "./violations.ts";

/**
 * Has Postgres record every guarded write of a database that is migrated.
 * @param admin a connection of the server's superuser
 */
export async function recordGuardedWrites(admin: pg.Client): Promise<void> {
  await admin.query(readFileSync(join(import.meta.dirname, "guarded-writes.sql"), "utf8"));
}

/** Makes some of them take longer than a short lease lasts. */
export async function slowGuardedWrites(admin: pg.Client): Promise<void> {
  await admin.query(readFileSync(join(import.meta.dirname, "slow-writes.sql"), "utf8"));
}

/** What was committed so far, in the order of its commits: those that share a guard's lock never share a moment. */
export async function guardedWrites(admin: pg.Client): Promise<GuardedWrite[]> {
  const { rows } = await admin.query(`
    SELECT w.guard, w.write, w.epoch::int AS epoch, w.run, w.xact::text AS xact,
      w.sync_before AS "syncBefore", w.sync_after AS "syncAfter"
    FROM fence.writes AS w
    ORDER BY pg_xact_commit_timestamp(w.xact::xid), w.id
  `);
  return rows;
}

import * as z from "zod";
import type { BackupManifest } from "../protocol/backup-manifest.ts";

/** What somebody saw who signed in to the application that runs on a backup (components/host/scratch-application.sh). */
export const Seen = z.object({
  version: z.string().nullable(),
  users: z.number().nullable(),
  rows: z.record(z.string(), z.number()),
  chat: z.string().nullable(),
  file: z.string().nullable(),
});
export type Seen = z.infer<typeof Seen>;

/** Tables that Open WebUI adds to by itself when it starts. */
const GROWING = new Set(["config", "alembic_version", "migratehistory"]);
/** What stays, row for row, through every migration between two versions. */
const KEPT = new Set(["user", "auth", "chat", "file"]);

/** What the application has otherwise than its backup; empty where it has all. A later version may move other rows. */
export function compare({ openWebui, database }: BackupManifest, seen: Seen): string[] {
  const isSameVersion = seen.version !== null && openWebui === `v${seen.version}`;
  const problems: string[] = [];
  for (const [name, { rows }] of Object.entries(database.tables)) {
    const found = seen.rows[name];
    if (found === rows || !(isSameVersion || KEPT.has(name))) continue;
    if (GROWING.has(name) && found !== undefined && found > rows) continue;
    problems.push(`table ${name} has ${found ?? "no"} rows in the application and ${rows} in the backup`);
  }
  const users = database.tables.user?.rows;
  if (seen.users !== null && users !== undefined && seen.users !== users)
    problems.push(`the application shows ${seen.users} users, and the backup has ${users}`);
  return problems;
}

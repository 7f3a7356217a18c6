import { readStatuses } from "../backup/status-file.ts";
import { readHead } from "../host/regular-file.ts";
import { takeStamp } from "../host/stamp.ts";
import { databasePath, readIdentity, type TenantDirectory } from "../host/tenant-directory.ts";
import type { Inventory } from "../protocol/message.ts";

type Database = Inventory["tenants"][number]["database"];

const NO_DATABASE: Database = { exists: false, bytes: 0, journal_mode: null, modified_at: null };

/**
 * What lies on this host. A tenant that cannot be read is listed with what can be said of it.
 * @param backups directory in which its backups are told of
 */
export async function takeInventory(
  host: string,
  tenants: TenantDirectory,
  now: () => bigint,
  backups?: string,
): Promise<Inventory> {
  const [ids, statuses] = await Promise.all([tenants.list(), backups ? readStatuses(backups) : []]);
  const found = ids.map(async (id) => {
    const directory = await tenants.find(id);
    if (!directory) return undefined; // removed meanwhile
    const identity = await readIdentity(directory, id).catch(() => null);
    const backup = statuses.find(({ tenant }) => tenant === id) ?? null;
    return { id, identity, database: await describeDatabase(directory, now()), backup };
  });
  return { host, tenants: (await Promise.all(found)).filter((tenant) => tenant !== undefined) };
}

/** What can be said of a database without reading a table of it. */
async function describeDatabase(directory: string, now: bigint): Promise<Database> {
  const file = await readHead(databasePath(directory), 0).catch(() => undefined);
  if (!file) return NO_DATABASE;
  const stamp = await takeStamp(directory, now).catch(() => undefined);
  return {
    exists: true,
    bytes: stamp?.bytes ?? Number(file.stat.size),
    journal_mode: stamp ? (stamp.state === "rollback" ? "rollback" : "wal") : null,
    modified_at: file.stat.mtime.toISOString(),
  };
}

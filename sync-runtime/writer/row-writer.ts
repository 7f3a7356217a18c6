/**
 * The row writer: one process for one request, which writes rows into one tenant's database or none of them, and ends.
 * Whatever a hostile file does to SQLite happens to a process that serves nobody and holds nothing, limited in time and
 * memory. It loads no package and no native code.
 */
import { writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { faultPoint } from "../fault-point.ts";
import { readHead } from "../host/regular-file.ts";
import type { WriteAnswer } from "../protocol/write.ts";
import { RefusalError } from "./refusal-error.ts";
import { refusedBy } from "./row-writer/failure.ts";
import { LockedDatabase } from "./row-writer/locked-database.ts";
import { RowWrites } from "./row-writer/row-writes.ts";
import { targetTables } from "./row-writer/target-tables.ts";
import type { WriterWord, WriteTask } from "./row-writer/task.ts";

const STDOUT = 1;
const MAX_IDENTITY_BYTES = 4096;

const say = (word: WriterWord) => writeSync(STDOUT, `${JSON.stringify(word)}\n`);

/** Writes, and says how it went before the database is closed: bringing a long -wal into it may take a while. */
async function run(task: WriteTask): Promise<void> {
  using locked = new LockedDatabase(task.database);
  say({ state: "locked" });
  try {
    say({ state: "done", ...(await write(locked, task)) });
  } catch (error) {
    locked.takeBack();
    say({ state: "refused", ...refusedBy(error) });
  }
}

async function write(
  locked: LockedDatabase,
  { identityFile, tenant, request }: WriteTask,
): Promise<WriteAnswer> {
  faultPoint("writer:locked");
  await requireIdentity(identityFile, tenant, request.identity);
  const writes = new RowWrites(targetTables(locked.database, request.schema), request.rows);
  const { missing, already } = writes;
  if (missing === 0) return { written: 0, already };
  writes.write();
  writes.prove();
  faultPoint("writer:rows-written");
  say({ state: "committing" });
  locked.commit();
  faultPoint("writer:committed");
  return { written: missing, already };
}

/** The file is the tenant's: it is read again while the lock is held. */
async function requireIdentity(path: string, tenant: string, id: string): Promise<void> {
  const head = await readHead(path, MAX_IDENTITY_BYTES);
  const found = head ? parse(head.bytes) : undefined;
  if (found?.tenant === tenant && found.id === id) return;
  throw new RefusalError("identity-changed", `${path} names other data than the sync was verified with.`);
}

function parse(bytes: Buffer): { tenant?: unknown; id?: unknown } | undefined {
  try {
    return Object(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

try {
  await run(JSON.parse(await text(process.stdin)));
} catch (error) {
  say({ state: "refused", ...refusedBy(error) });
}

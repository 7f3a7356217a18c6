import { setImmediate } from "node:timers/promises";
import { DatabaseFile, type Missing } from "./database-file.ts";
import { FileProof } from "./proof.ts";
import { type Replica, ReplicaSnapshot, type ReplicaTable } from "./replica-snapshot.ts";
import type { RestoreRequest } from "./request.ts";
import { explained, RestoreError } from "./restore-error.ts";
import { Target } from "./target.ts";

/** How far a restore is. */
export interface Progress {
  phase: "rows" | "proof";
  table: string;
  /** Rows done, of all tables together. */
  rows: number;
  rows_total: number;
}

/** A file that was rebuilt and found equal to what its replica held when it was last verified. */
export interface Restored {
  tenant: string;
  file: string;
  tables: number;
  rows: number;
  verified_at: string;
  identity: string | null;
  /** Rows that refer to one that is not there, as Open WebUI leaves them. */
  orphans: number;
  /** What the source had and the file has not. */
  missing: Missing[];
  /** Edits of others in the replica, which the file does not have. */
  edits: number;
}

/** Rebuilds a tenant's database from its replica. Nothing stands under the file's name unless it was found equal. */
export async function restore(
  request: RestoreRequest,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Restored> {
  const { connection, tenant, to } = request;
  using target = new Target(to, request.force);
  await using snapshot = await ReplicaSnapshot.open(connection, tenant);
  const replica = requireVerified(tenant, await snapshot.replica(), request.held);
  const tables = await snapshot.tables();
  try {
    const missing = await build(target.path, snapshot, replica, tables, onProgress);
    const orphans = await prove(target.path, tables, replica.rows, onProgress);
    target.publish();
    const { identity, verified_at, rows } = replica;
    const edits = await snapshot.edits();
    return { tenant, file: to, tables: tables.length, rows, verified_at, identity, orphans, missing, edits };
  } catch (error) {
    throw explained(error, to);
  }
}

type Verified = Replica & { verified_at: string };

/** A replica that was once found equal, and that nobody has to decide about first. */
export function requireVerified(tenant: string, replica: Replica | undefined, held: boolean): Verified {
  if (!replica)
    throw new RestoreError(
      "replica-missing",
      `There is no replica of ${tenant} in this database. Nothing was changed. \`npm run status\` shows which tenants have one.`,
    );
  const { verified_at } = replica;
  if (verified_at === null)
    throw new RestoreError(
      "never-verified",
      `The replica of ${tenant} was never verified: nothing shows that it is what its source was, so no file is made of it. ` +
        "`npm run status` says how its syncs end.",
    );
  if (replica.held !== null && !held)
    throw new RestoreError(
      "replica-held",
      `The replica of ${tenant} is held (${replica.held}). It is what the source was at ${verified_at}, and an operator has to ` +
        "decide which side is right. Nothing was changed. If the replica is: say --held.",
    );
  return { ...replica, verified_at };
}

/** Writes the whole file; answers what it could not be given. */
async function build(
  path: string,
  snapshot: ReplicaSnapshot,
  replica: Verified,
  tables: readonly ReplicaTable[],
  onProgress: (progress: Progress) => void,
): Promise<Missing[]> {
  using file = new DatabaseFile(path, replica.source?.pragmas);
  for (const { name, ddl } of tables) file.createTable(name, ddl[0] as string);
  let done = 0;
  for (const table of tables) {
    const insert = file.inserter(table.name, table.columns);
    for await (const rows of snapshot.rows(table)) {
      insert(rows);
      done += rows.length;
      onProgress({ phase: "rows", table: table.name, rows: done, rows_total: replica.rows });
    }
  }
  file.finish(
    tables.flatMap(({ ddl }) => ddl.slice(1)),
    replica.source?.objects ?? [],
  );
  if (!replica.source)
    file.missing.push({
      name: "indexes, triggers, views, settings of the file",
      why: "the replica was last synced before they were kept",
    });
  return file.missing;
}

/** Holds what the file gives back against what Postgres counted when replica and source were equal. */
async function prove(
  path: string,
  tables: readonly ReplicaTable[],
  total: number,
  onProgress: (progress: Progress) => void,
): Promise<number> {
  using proof = new FileProof(path);
  const different: string[] = [];
  let done = 0;
  for (const { name, columns, rows, sum } of tables) {
    const found = proof.sum(
      name,
      columns.map((column) => column.name),
    );
    if (found.rows !== rows) different.push(`${name} has ${found.rows} rows instead of ${rows}`);
    else if (found.toString() !== sum) different.push(`${name} has ${rows} rows of other content`);
    done += found.rows;
    onProgress({ phase: "proof", table: name, rows: done, rows_total: total });
    // Signals are heard between tables.
    await setImmediate();
  }
  const { damage, orphans } = proof.health();
  different.push(...damage.map((line) => `SQLite finds: ${line}`));
  if (different.length === 0) return orphans;
  throw new RestoreError(
    "not-equal",
    `The rebuilt file is not what the replica held when it was last verified: ${different.slice(0, 5).join("; ")}` +
      `${different.length > 5 ? ` and ${different.length - 5} more` : ""}. The file was removed. Somebody changed the ` +
      "replica in Postgres since then, past the triggers that note edits: the next sync repairs it from the source, as long as that is there.",
  );
}

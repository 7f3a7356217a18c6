import pg from "pg";
import type { Connection } from "../database/connection.ts";
import { query } from "../database/query.ts";
import { type Replica, ReplicaSnapshot, type ReplicaTable } from "../restore/replica-snapshot.ts";
import { requireVerified } from "../restore/restore.ts";
import { PromoteError } from "./promote-error.ts";
import type { ChangedTable, NotCarried, PromotedTable, Promotion, Violation } from "./report.ts";
import { Stage } from "./stage.ts";
import { inReferenceOrder, readStrictSchema, type StrictTable, VERSION_TABLE } from "./strict-schema.ts";
import { type TargetState, targetState, withTarget } from "./target-database.ts";

/** What is to be promoted, and where to. */
export interface PromoteRequest {
  /** Where the replicas are. */
  connection: Connection;
  tenant: string;
  /** The database to be filled, `postgres://user:password@host:port/database`. */
  to: string;
  /** Whether rows that violate the schema are left out instead of stopping everything. */
  leaveOut: boolean;
  /** Whether what the target holds may be replaced. */
  force: boolean;
  /** Whether a replica is promoted that the nodes hold. */
  held: boolean;
  /** Everything is done and proven, and nothing is left in the target. */
  rehearsal?: boolean;
}

/** How far a promotion is. */
export interface Progress {
  phase: "rows" | "rules" | "write" | "proof";
  table: string;
  /** Rows done, of all tables together. */
  rows: number;
  rows_total: number;
}

/** What both sides are before anything was changed. */
export interface Inspection {
  /** Alembic's head in the replica. */
  version: string;
  target: TargetState;
}

/** Looks at both sides. Refuses a target that holds what nobody said may go. */
export async function inspect(request: PromoteRequest): Promise<Inspection> {
  await using source = await ReplicaSnapshot.open(request.connection, request.tenant);
  requireVerified(request.tenant, await source.replica(), request.held);
  const version = await replicaVersion(request.tenant, source, await source.tables());
  return await withTarget(request.to, async (client) => {
    const target = await targetState(client);
    if (!request.force) refuseUsed(target);
    return { version, target };
  });
}

/** Fills the strict schema that is in the target from the replica, in one transaction there: all of it, or nothing. */
export async function fill(
  request: PromoteRequest,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Promotion> {
  await using source = await ReplicaSnapshot.open(request.connection, request.tenant);
  const replica = requireVerified(request.tenant, await source.replica(), request.held);
  const tables = await source.tables();
  const version = await replicaVersion(request.tenant, source, tables);
  return await withTarget(request.to, async (client) => {
    await client.query("BEGIN");
    const target = await targetState(client);
    if (!request.force) refuseUsed(target);
    refuseOtherVersion(version, target.version);
    const schema = (await readStrictSchema(client)).filter(({ name }) => name !== VERSION_TABLE);
    const filler = new Filler(request, client, source, { replica, tables, schema, onProgress });
    const edits = await source.edits();
    return {
      tenant: request.tenant,
      version,
      verifiedAt: replica.verified_at,
      edits,
      ...(await filler.run()),
    };
  });
}

/**
 * What became of a target since it was filled: row by row, against the replica, which has to be as it was then. The
 * application may go on working on it meanwhile. Tables in which nothing differs are left out.
 */
export async function changesSince(
  request: Pick<PromoteRequest, "connection" | "tenant" | "to">,
): Promise<ChangedTable[]> {
  await using source = await ReplicaSnapshot.open(request.connection, request.tenant);
  const replica = requireVerified(request.tenant, await source.replica(), false);
  const tables = await source.tables();
  return await withTarget(request.to, async (client) => {
    await client.query("BEGIN");
    const { version } = await targetState(client);
    refuseOtherVersion(await replicaVersion(request.tenant, source, tables), version);
    const schema = (await readStrictSchema(client)).filter(({ name }) => name !== VERSION_TABLE);
    const whole = { ...request, leaveOut: true, force: true, held: false };
    const material = { replica, tables, schema, onProgress: () => {} };
    return await new Filler(whole, client, source, material).compare();
  });
}

/** What one filling works on. */
interface Material {
  replica: Replica;
  tables: readonly ReplicaTable[];
  /** Without alembic's table, which the application filled itself. */
  schema: readonly StrictTable[];
  onProgress(progress: Progress): void;
}

/** One run of {@link fill}, inside its transaction. */
class Filler {
  readonly #request: PromoteRequest;
  readonly #client: pg.Client;
  readonly #source: ReplicaSnapshot;
  readonly #material: Material;
  readonly #violations: Violation[] = [];
  readonly #equal = new Map<string, boolean>();
  #done = 0;

  constructor(request: PromoteRequest, client: pg.Client, source: ReplicaSnapshot, material: Material) {
    this.#request = request;
    this.#client = client;
    this.#source = source;
    this.#material = material;
  }

  async compare(): Promise<ChangedTable[]> {
    const stages = await this.#stageRows();
    await this.#applyRules(stages);
    const changed: ChangedTable[] = [];
    for (const [name, stage] of stages) changed.push({ name, ...(await stage.differencesOfTarget()) });
    return changed.filter(({ made, gone }) => made + gone > 0);
  }

  async run(): Promise<Pick<Promotion, "promoted" | "tables" | "violations" | "notCarried">> {
    const stages = await this.#stageRows();
    await this.#applyRules(stages);
    const notCarried = await this.#notCarried();
    const promoted = this.#violations.length === 0 || this.#request.leaveOut;
    const tables = await this.#tally(stages);
    if (promoted) {
      await this.#publish(stages);
      await this.#client.query(this.#request.rehearsal ? "ROLLBACK" : "COMMIT");
    }
    const outcome = tables.map((table) => ({ ...table, equal: this.#equal.get(table.name) ?? null }));
    return { promoted, tables: outcome, violations: this.#violations, notCarried };
  }

  /** Brings every row over that its values allow, behind a look whether the replica is what was verified. */
  async #stageRows(): Promise<Map<string, Stage>> {
    const stages = new Map<string, Stage>();
    const strict = new Map(this.#material.schema.map((table) => [table.name, table]));
    for (const table of this.#material.tables) {
      const target = strict.get(table.name);
      if (!target) continue;
      await this.#requireUnchanged(table);
      const stage = await Stage.make(this.#client, target, table, stages.size);
      const violations = await stage.fill(this.#source.rows(table), (rows) => {
        this.#done += rows;
        this.#tell("rows", table.name);
      });
      this.#violations.push(...violations);
      stages.set(table.name, stage);
    }
    return stages;
  }

  async #requireUnchanged(table: ReplicaTable): Promise<void> {
    const [found] = await this.#source.ask<{ rows: string; sum: string }>(query("measure-replica-table"), [
      this.#request.tenant,
      table.name,
    ]);
    if (found?.sum === table.sum && Number(found?.rows) === table.rows) return;
    throw new PromoteError(
      "replica-changed",
      `Table ${table.name} of the replica of ${this.#request.tenant} is not what was verified: somebody changed it in Postgres, past the triggers that note edits. ` +
        "Nothing was written. The next sync repairs it from the source, as long as that is there.",
    );
  }

  /** Takes out what unique indexes, checks and references refuse; an orphan's own children are orphans too. */
  async #applyRules(stages: ReadonlyMap<string, Stage>): Promise<void> {
    for (const stage of stages.values()) {
      this.#tell("rules", stage.table.name);
      this.#violations.push(...(await stage.removeImpossible()));
    }
    for (let before = -1; before !== this.#violations.length; ) {
      before = this.#violations.length;
      for (const stage of stages.values()) this.#violations.push(...(await stage.removeOrphans(stages)));
    }
  }

  async #tally(stages: ReadonlyMap<string, Stage>): Promise<Omit<PromotedTable, "equal">[]> {
    const tally: Omit<PromotedTable, "equal">[] = [];
    for (const [name, stage] of stages) {
      const fit = await stage.count();
      tally.push({ name, rows: stage.rows, fit, leftOut: stage.rows - fit });
    }
    return tally;
  }

  /** Replaces what the application put into its empty tables, and reads everything back. */
  async #publish(stages: ReadonlyMap<string, Stage>): Promise<void> {
    const names = this.#material.schema.map(({ name }) => pg.escapeIdentifier(name));
    await this.#client.query(`TRUNCATE ${names.join(", ")}`);
    const ordered = inReferenceOrder(this.#material.schema).flatMap(({ name }) => stages.get(name) ?? []);
    for (const stage of ordered) {
      this.#tell("write", stage.table.name);
      await stage.publish();
    }
    for (const stage of ordered) {
      this.#tell("proof", stage.table.name);
      this.#equal.set(stage.table.name, await stage.equalsTarget());
    }
    const different = [...this.#equal].filter(([, equal]) => !equal).map(([name]) => name);
    if (different.length > 0)
      throw new PromoteError(
        "not-equal",
        `The target gives back other rows than it was sent in ${different.join(", ")}: something there changes what is ` +
          "written, a trigger say. Nothing was left in it. Promote into a database that only Open WebUI made.",
      );
  }

  /** What the replica has and the strict schema has no place for. */
  async #notCarried(): Promise<NotCarried[]> {
    const strict = new Map(this.#material.schema.map((table) => [table.name, table]));
    const found: NotCarried[] = [];
    for (const { name: table, columns, rows } of this.#material.tables) {
      if (table === VERSION_TABLE) continue;
      const target = strict.get(table);
      if (!target) {
        found.push({ table, values: rows ?? 0 });
        continue;
      }
      const taken = new Set(target.columns.map(({ name }) => name));
      for (const { name: column } of columns.filter(({ name }) => !taken.has(name)))
        found.push({
          table,
          column,
          values: await this.#valuesIn(table, column),
        });
    }
    return found.filter(({ values }) => values > 0);
  }

  /** Rows that have a value in a column of the replica, one kept beside the row included. */
  async #valuesIn(table: string, column: string): Promise<number> {
    const { tenant } = this.#request;
    const [named] = await this.#source.ask<{ statement: string }>(query("count-values-statement"), [
      ...[tenant, table, column],
    ]);
    const [found] = await this.#source.ask<{ n: string }>(named?.statement ?? "", []);
    return Number(found?.n);
  }

  #tell(phase: Progress["phase"], table: string): void {
    this.#material.onProgress({
      phase,
      table,
      rows: this.#done,
      rows_total: this.#material.replica.rows,
    });
  }
}

/** Alembic's head as the replica has it. */
async function replicaVersion(
  tenant: string,
  source: ReplicaSnapshot,
  tables: readonly ReplicaTable[],
): Promise<string> {
  const table = tables.find(({ name }) => name === VERSION_TABLE);
  for await (const rows of table ? source.rows(table) : [])
    for (const { values } of rows)
      if (values[0] instanceof Uint8Array) return Buffer.from(values[0]).toString();
  throw new PromoteError(
    "version-unknown",
    `The replica of ${tenant} does not say which version of the schema it has (its ${VERSION_TABLE} has no row), so that no ` +
      "strict schema can be chosen. Nothing was changed. Start the tenant once, so that Open WebUI migrates its database.",
  );
}

function refuseUsed(target: TargetState): void {
  if (target.kind === "used")
    throw new PromoteError(
      "target-used",
      `The target already holds Open WebUI's data (${target.rows} users and chats). Nothing was changed. Name an empty ` +
        "database, or say --force to replace everything in it.",
    );
  if (target.kind === "foreign")
    throw new PromoteError(
      "target-foreign",
      `The target holds tables that Open WebUI did not make: ${target.tables.slice(0, 5).join(", ")}. Nothing was changed. ` +
        "Name an empty database.",
    );
}

function refuseOtherVersion(replica: string, target: string | undefined): void {
  if (replica === target) return;
  throw new PromoteError(
    "version-differs",
    `The replica has version ${replica} of Open WebUI's schema, the target ${target ?? "none"}. Nothing was written. ` +
      "Promote with the image that the tenant runs, behind a sync of what it runs now.",
  );
}

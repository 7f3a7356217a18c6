import { join } from "node:path";
import pg from "pg";
import { query } from "../database/query.ts";
import { openForSums } from "../drill/postgres-sums.ts";
import { readManifest, type Verified, verifyRestored } from "../drill/verify.ts";
import { BackupError } from "./backup-error.ts";
import { databaseAway, type TenantPostgres, withPassword } from "./postgres-dump.ts";
import { runPostgresProgram } from "./postgres-program.ts";

/** A schema that a restore set aside. */
interface Aside {
  /** What it was called. */
  schema: string;
  /** Number of the restore. */
  operation: string;
}

/**
 * A tenant's Postgres, in which a restore puts a dump in place, takes it back, and knows what is kept of before. Nothing is
 * overwritten: the schema in use is renamed, and the dump makes it anew. Its application does not run meanwhile, by whoever
 * calls; every action may be done again after it was done in part.
 */
export class PostgresPlace {
  readonly #postgres: TenantPostgres;

  constructor(postgres: TenantPostgres) {
    this.#postgres = postgres;
  }

  /**
   * Refuses, before anybody waits, where the tenant's role may not do that, or where there is nothing to be put in place.
   * @param folder a fetched backup; not looked at where `before` names a restore, whose set-aside schema is meant then
   */
  async require(folder: string, before?: string): Promise<void> {
    const dumped = before === undefined ? await dumpedSchema(folder) : undefined;
    await this.#connected(async (client) => {
      const name = before === undefined ? dumped : (await asideOf(client, before))?.schema;
      if (name === undefined) throw nothingKept(before ?? "");
      const { rows } = await client.query<{ creates: boolean; owns: boolean | null; role: string }>(
        query("placed-schema"),
        [name],
      );
      const [{ creates, owns, role } = { creates: false, owns: null, role: "" }] = rows;
      if (!creates || owns === false)
        throw new BackupError(
          "not-placed",
          `The role ${role} may not put another schema in the place of ${name}: it owns ${creates ? "the database, and not that" : "not the database"}.`,
        );
    });
  }

  /**
   * Sets the schema in use aside as `<schema>_before_<operation>`, restores the dump of a fetched backup in its place, and adds
   * every row up again.
   */
  async restore(folder: string, operation: string, signal: AbortSignal): Promise<Verified> {
    const schema = await dumpedSchema(folder);
    await this.#connected(async (client) => {
      // What an earlier attempt brought is not what is to be kept.
      if (await asideOf(client, operation)) await client.query(dropped(schema));
      else await client.query(renamed(schema, asideName({ schema, operation })));
    });
    const { url, password } = this.#postgres;
    await runPostgresProgram(
      "pg_restore",
      [
        ...["--no-owner", "--no-privileges", "--no-password", "--exit-on-error", "--single-transaction"],
        ...[`--dbname=${url}`, join(folder, "database.dump")],
      ],
      { PGPASSWORD: password },
      signal,
    );
    const verdict = await verifyRestored(folder, withPassword(this.#postgres));
    if ("problems" in verdict)
      throw new BackupError(
        "not-equal",
        `What was restored is not what was stored: ${verdict.problems.join("; ")}.`,
      );
    return verdict.verified;
  }

  /** Puts back what a restore set aside; what it had put in place is gone then. Nothing where it set nothing aside. */
  async takeBack(operation: string): Promise<void> {
    await this.#connected(async (client) => {
      const aside = await asideOf(client, operation);
      if (!aside) return;
      await inTransaction(client, [dropped(aside.schema), renamed(asideName(aside), aside.schema)]);
    });
  }

  /** What restore `before` set aside comes into its place, and what is there is set aside as of `operation`. */
  async exchange(before: string, operation: string): Promise<void> {
    await this.#connected(async (client) => {
      // Done already.
      if (await asideOf(client, operation)) return;
      const aside = await asideOf(client, before);
      if (!aside) throw nothingKept(before);
      const { schema } = aside;
      await inTransaction(client, [
        renamed(schema, asideName({ schema, operation })),
        renamed(asideName(aside), schema),
      ]);
    });
  }

  /** Removes what those restores set aside, for good. */
  async forget(operations: readonly string[]): Promise<void> {
    await this.#connected(async (client) => {
      for (const aside of await asidesOf(client))
        if (operations.includes(aside.operation)) await client.query(dropped(asideName(aside)));
    });
  }

  async #connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await openForSums(withPassword(this.#postgres)).catch((cause) => {
      throw databaseAway(this.#postgres, cause);
    });
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof BackupError) throw error;
      throw new BackupError("dump-failed", `The tenant's Postgres said: ${(error as Error).message}.`, {
        cause: error,
      });
    } finally {
      await client.end().catch(() => {});
    }
  }
}

async function dumpedSchema(folder: string): Promise<string> {
  const manifest = await readManifest(folder);
  if (typeof manifest !== "string" && manifest.format === 2) return manifest.database.schema;
  throw new BackupError("not-equal", `${folder} holds no dump of a Postgres.`);
}

const nothingKept = (before: string) =>
  new BackupError("not-placed", `Nothing of before restore ${before} is kept in the tenant's Postgres.`);

const asideName = ({ schema, operation }: Aside): string => `${schema}_before_${operation}`;

const asidesOf = async (client: pg.Client): Promise<Aside[]> =>
  (await client.query<Aside>(query("placed-asides"))).rows;

const asideOf = async (client: pg.Client, operation: string): Promise<Aside | undefined> =>
  (await asidesOf(client)).find((aside) => aside.operation === operation);

const renamed = (schema: string, to: string): string =>
  `ALTER SCHEMA ${pg.escapeIdentifier(schema)} RENAME TO ${pg.escapeIdentifier(to)}`;

const dropped = (schema: string): string => `DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(schema)} CASCADE`;

async function inTransaction(client: pg.Client, statements: readonly string[]): Promise<void> {
  await client.query("BEGIN");
  for (const statement of statements) await client.query(statement);
  await client.query("COMMIT");
}

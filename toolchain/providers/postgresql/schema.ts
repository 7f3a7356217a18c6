import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource, updates } from "../plugin/resource.ts";
import { type Filled, flag, text } from "../plugin/types.ts";
import { asMemberOf } from "./membership.ts";
import type { Postgres, Row, Sql } from "./postgres.ts";
import { query } from "./queries.ts";
import { name } from "./quoting.ts";

const inputs = {
  name: updates(text, { required: true }),
  database: replaces(text, { computed: true }),
  owner: updates(text, { computed: true }),
  ifNotExists: updates(flag, { default: true }),
  dropCascade: updates(flag, { default: false }),
};

type SchemaInputs = Filled<typeof inputs>;

/** Databases and schemas share names; together they are one. */
const idOf = (database: string, schema: string) => `${database}.${schema}`;

/** Undefined: the database has no such schema. */
const readState = async (sql: Sql, before: Properties, database: string, schema: string) => {
  const [row] = await sql(query("schema"), [schema]);
  return row && { ...before, name: row.name as string, owner: row.owner as string, database };
};

/** Only who may create in the database may create a schema; its owner may. */
const databaseOwner = async (sql: Sql, database: string): Promise<string> =>
  ((await sql(query("database"), [database]))[0] as Row).owner as string;

/** A schema that is there already is taken over, and gets the owner asked for. */
const create = async (given: SchemaInputs, { client, signal }: Context<Postgres>) => {
  const database = given.database ?? client.defaultDatabase;
  return client.transaction(database, signal, async (sql) => {
    const owners = [await databaseOwner(sql, database), given.owner];
    await asMemberOf(sql, owners, async () => {
      const [present] = await sql(query("schema"), [given.name]);
      const unlessThere = given.ifNotExists ? "IF NOT EXISTS " : "";
      const authorization = given.owner ? ` AUTHORIZATION ${name(given.owner)}` : "";
      if (!present) await sql(`CREATE SCHEMA ${unlessThere}${name(given.name)}${authorization}`);
      else if (given.owner) await sql(`ALTER SCHEMA ${name(given.name)} OWNER TO ${name(given.owner)}`);
    });
    const state = await readState(sql, given as Properties, database, given.name);
    return { id: idOf(database, given.name), state: state as Properties };
  });
};

/** Renames and hands over. The id stays as it was. */
const update = async (
  _id: string,
  given: SchemaInputs,
  state: Properties,
  { client, signal }: Context<Postgres>,
) => {
  const database = state.database as string;
  const before = state.name as string;
  return client.transaction(database, signal, async (sql) => {
    const owners = [await databaseOwner(sql, database), given.owner, state.owner as string];
    await asMemberOf(sql, owners, async () => {
      if (before !== given.name) await sql(`ALTER SCHEMA ${name(before)} RENAME TO ${name(given.name)}`);
      if (given.owner && given.owner !== state.owner) {
        await sql(`ALTER SCHEMA ${name(given.name)} OWNER TO ${name(given.owner)}`);
      }
    });
    return (await readState(sql, { ...state, ...given } as Properties, database, given.name)) as Properties;
  });
};

/** A schema of a database; its id is `database.schema`. Dropping it fails while it holds anything, unless dropCascade. */
export const schema = resource<Postgres>()({
  inputs,
  outputs: [],
  autonamed: true,
  create,
  read: async (id, state, { client, signal }) => {
    const dot = id.indexOf(".");
    const database = (state.database as string | undefined) ?? id.slice(0, dot);
    const current = (state.name as string | undefined) ?? id.slice(dot + 1);
    // Without its database a schema is gone, too.
    const [there] = await client.session(undefined, signal, (sql) => sql(query("database"), [database]));
    if (!there) return undefined;
    const found = await client.session(database, signal, (sql) => readState(sql, state, database, current));
    return found && { id, state: found };
  },
  update,
  delete: async (_id, state, { client, signal }) => {
    const mode = state.dropCascade === true ? "CASCADE" : "RESTRICT";
    await client.transaction(state.database as string, signal, (sql) =>
      asMemberOf(sql, [state.owner as string], () =>
        sql(`DROP SCHEMA IF EXISTS ${name(state.name as string)} ${mode}`),
      ),
    );
  },
});

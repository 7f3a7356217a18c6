import type { Properties } from "../plugin/properties.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { flag, text } from "../plugin/types.ts";
import type { Postgres, Sql } from "./postgres.ts";
import { query } from "./queries.ts";
import { name } from "./quoting.ts";

/** Undefined: the database does not have it. */
const readState = async (sql: Sql, before: Properties, database: string, extension: string) => {
  const [row] = await sql(query("extension"), [extension]);
  return (
    row && {
      ...before,
      name: extension,
      schema: row.schema as string,
      version: row.version as string,
      database,
    }
  );
};

/** An extension of a database; its id is `database.extension`. */
export const extension = resource<Postgres>()({
  inputs: {
    name: replaces(text, { required: true }),
    database: replaces(text, { computed: true }),
    schema: updates(text, { computed: true }),
    version: updates(text, { computed: true }),
    createCascade: updates(flag, { default: false }),
    dropCascade: updates(flag, { default: false }),
  },
  outputs: [],
  autonamed: true,
  create: async (given, { client, signal }) => {
    const database = given.database ?? client.defaultDatabase;
    return client.transaction(database, signal, async (sql) => {
      const schema = given.schema ? ` SCHEMA ${name(given.schema)}` : "";
      const version = given.version ? ` VERSION ${name(given.version)}` : "";
      const cascade = given.createCascade ? " CASCADE" : "";
      await sql(`CREATE EXTENSION IF NOT EXISTS ${name(given.name)}${schema}${version}${cascade}`);
      const state = await readState(sql, given as Properties, database, given.name);
      return { id: `${database}.${given.name}`, state: state as Properties };
    });
  },
  read: async (id, state, { client, signal }) => {
    const [database = "", extension = ""] = id.split(".");
    const [there] = await client.session(undefined, signal, (sql) => sql(query("database"), [database]));
    if (!there) return undefined;
    const found = await client.session(database, signal, (sql) => readState(sql, state, database, extension));
    return found && { id, state: found };
  },
  update: async (_id, given, state, { client, signal }) => {
    const database = state.database as string;
    return client.transaction(database, signal, async (sql) => {
      const extension = name(given.name);
      if (given.schema && given.schema !== state.schema) {
        await sql(`ALTER EXTENSION ${extension} SET SCHEMA ${name(given.schema)}`);
      }
      if (given.version && given.version !== state.version) {
        await sql(`ALTER EXTENSION ${extension} UPDATE TO ${name(given.version)}`);
      }
      return (await readState(sql, { ...state, ...given } as Properties, database, given.name)) as Properties;
    });
  },
  delete: async (_id, state, { client, signal }) => {
    const mode = state.dropCascade === true ? "CASCADE" : "RESTRICT";
    await client.transaction(state.database as string, signal, (sql) =>
      sql(`DROP EXTENSION ${name(state.name as string)} ${mode}`),
    );
  },
});

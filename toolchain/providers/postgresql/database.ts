import type { Properties } from "../plugin/properties.ts";
import { replaces, resource, updates } from "../plugin/resource.ts";
import { type Filled, flag, number, text } from "../plugin/types.ts";
import { asMemberOf } from "./membership.ts";
import type { Postgres, Row, Sql } from "./postgres.ts";
import { query } from "./queries.ts";
import { literal, name } from "./quoting.ts";

const computed = { computed: true } as const;

const inputs = {
  name: updates(text, { required: true }),
  owner: updates(text, computed),
  template: replaces(text, computed),
  encoding: replaces(text, computed),
  lcCollate: replaces(text, computed),
  lcCtype: replaces(text, computed),
  tablespaceName: updates(text, computed),
  connectionLimit: updates(number, { default: -1 }),
  allowConnections: updates(flag, { default: true }),
  isTemplate: updates(flag, computed),
  alterObjectOwnership: updates(flag, { default: false }),
};

type DatabaseInputs = Filled<typeof inputs>;

/** CREATE DATABASE; from template0 and in UTF-8 unless told otherwise. `DEFAULT` stands for itself. */
export const createStatement = (given: DatabaseInputs, username: string): string => {
  const orDefault = (value: string, quoted: (value: string) => string) =>
    value.toUpperCase() === "DEFAULT" ? "DEFAULT" : quoted(value);
  return [
    `CREATE DATABASE ${name(given.name)}`,
    `OWNER ${name(given.owner ?? username)}`,
    `TEMPLATE ${orDefault(given.template ?? "template0", name)}`,
    `ENCODING ${orDefault(given.encoding ?? "UTF8", literal)}`,
    ...(given.lcCollate ? [`LC_COLLATE ${orDefault(given.lcCollate, literal)}`] : []),
    ...(given.lcCtype ? [`LC_CTYPE ${orDefault(given.lcCtype, literal)}`] : []),
    ...(given.tablespaceName ? [`TABLESPACE ${orDefault(given.tablespaceName, name)}`] : []),
    `ALLOW_CONNECTIONS ${given.allowConnections}`,
    `CONNECTION LIMIT ${given.connectionLimit}`,
    `IS_TEMPLATE ${given.isTemplate ?? false}`,
  ].join(" ");
};

/** A database's state; all but the template is read back. */
const databaseState = (row: Row, before: Properties): Properties => ({
  ...before,
  name: row.name as string,
  owner: row.owner as string,
  // The catalogue does not remember the template.
  template: before.template ?? "template0",
  encoding: row.encoding as string,
  lcCollate: row.lc_collate as string,
  lcCtype: row.lc_ctype as string,
  tablespaceName: row.tablespace_name as string,
  connectionLimit: row.connection_limit as number,
  allowConnections: row.allow_connections as boolean,
  isTemplate: row.is_template as boolean,
});

/** ALTER DATABASE's clauses for the inputs that differ, the new name last. */
export const alterations = (given: DatabaseInputs, state: Properties): string[] => {
  const differs = (input: keyof DatabaseInputs) =>
    given[input] !== undefined && given[input] !== state[input];
  return [
    ...(differs("owner") ? [`OWNER TO ${name(given.owner ?? "")}`] : []),
    ...(differs("tablespaceName") ? [`SET TABLESPACE ${name(given.tablespaceName ?? "")}`] : []),
    ...(differs("connectionLimit") ? [`CONNECTION LIMIT ${given.connectionLimit}`] : []),
    ...(differs("allowConnections") ? [`ALLOW_CONNECTIONS ${given.allowConnections}`] : []),
    ...(differs("isTemplate") ? [`IS_TEMPLATE ${given.isTemplate}`] : []),
    ...(differs("name") ? [`RENAME TO ${name(given.name)}`] : []),
  ];
};

/** Any database's catalogue lists all of them. */
const readRow = async (sql: Sql, database: string): Promise<Row | undefined> =>
  (await sql(query("database"), [database]))[0];

/** What the old owner has in the database goes to the new one, where the program asks for that. */
const handOver = async (given: DatabaseInputs, state: Properties, client: Postgres, signal: AbortSignal) => {
  const { owner, alterObjectOwnership } = given;
  const before = state.owner as string;
  if (!alterObjectOwnership || !owner || owner === before) return;
  await client.transaction(state.name as string, signal, (sql) =>
    asMemberOf(sql, [before, owner], () => sql(`REASSIGN OWNED BY ${name(before)} TO ${name(owner)}`)),
  );
};

/** A database; its id is its name, and it is renamed in place. */
export const database = resource<Postgres>()({
  inputs,
  outputs: [],
  autonamed: true,
  create: async (given, { client, signal }) =>
    client.session(undefined, signal, async (sql) => {
      const making = asMemberOf(sql, [given.owner], () => sql(createStatement(given, client.username)));
      await making.catch((error: Error) => {
        throw new Error(`error creating database ${JSON.stringify(given.name)}: ${error.message}`);
      });
      return {
        id: given.name,
        state: databaseState((await readRow(sql, given.name)) as Row, given as Properties),
      };
    }),
  read: async (id, state, { client, signal }) => {
    const current = (state.name as string | undefined) ?? id;
    const row = await client.session(undefined, signal, (sql) => readRow(sql, current));
    return row && { id, state: databaseState(row, state) };
  },
  update: async (_id, given, state, { client, signal }) => {
    await handOver(given, state, client, signal);
    return client.session(undefined, signal, async (sql) => {
      await asMemberOf(sql, [given.owner, state.owner as string], async () => {
        for (const clause of alterations(given, state)) {
          await sql(`ALTER DATABASE ${name(state.name as string)} ${clause}`);
        }
      });
      return databaseState((await readRow(sql, given.name)) as Row, { ...state, ...given } as Properties);
    });
  },
  delete: async (_id, state, { client, signal }) => {
    const dropped = name(state.name as string);
    await client.session(undefined, signal, (sql) =>
      asMemberOf(sql, [state.owner as string], async () => {
        if (state.isTemplate === true) await sql(`ALTER DATABASE ${dropped} IS_TEMPLATE false`);
        await sql(`ALTER DATABASE ${dropped} ALLOW_CONNECTIONS false`);
        await sql(`DROP DATABASE ${dropped} WITH (FORCE)`);
      }),
    );
  },
});

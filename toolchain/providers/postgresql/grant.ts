import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource, updates } from "../plugin/resource.ts";
import { choice, type Failure, type Filled, flag, set, text } from "../plugin/types.ts";
import { asMemberOf } from "./membership.ts";
import type { Postgres, Sql } from "./postgres.ts";
import { areGranted, privilegeFailures } from "./privileges.ts";
import { query } from "./queries.ts";
import { name } from "./quoting.ts";

const inputs = {
  role: replaces(text, { required: true }),
  database: replaces(text, { required: true }),
  schema: replaces(text),
  objectType: replaces(
    choice("database", "schema", "table", "sequence", "function", "procedure", "routine"),
    { required: true },
  ),
  objects: replaces(set(text)),
  privileges: updates(set(text), { required: true }),
  withGrantOption: replaces(flag, { default: false }),
};

type GrantInputs = Filled<typeof inputs>;

/** What the kind of object demands, in the real plugin's words. */
const check = async (given: Properties): Promise<{ inputs: Properties; failures: Failure[] }> => {
  const failures = privilegeFailures(given);
  if (given.schema === undefined && given.objectType !== "database") {
    failures.push({
      property: "schema",
      reason: "parameter 'schema' is mandatory for postgresql_grant resource",
    });
  }
  if (given.objects !== undefined && (given.objectType === "database" || given.objectType === "schema")) {
    const reason = "cannot specify `objects` when `object_type` is `database` or `schema`";
    failures.push({ property: "objects", reason });
  }
  return { inputs: given, failures };
};

/** A function may be named with its arguments' types, which stay as they are. */
const objectName = (schema: string, object: string): string => {
  const parenthesis = object.indexOf("(");
  const [bare, types] =
    parenthesis < 0 ? [object, ""] : [object.slice(0, parenthesis), object.slice(parenthesis)];
  return `${name(schema)}.${name(bare)}${types}`;
};

/** What is granted on, as GRANT and REVOKE name it. */
export const target = ({ objectType, database, schema = "", objects }: GrantInputs): string => {
  if (objectType === "database") return `DATABASE ${name(database)}`;
  if (objectType === "schema") return `SCHEMA ${name(schema)}`;
  const kind = objectType.toUpperCase();
  if (!objects?.length) return `ALL ${kind}S IN SCHEMA ${name(schema)}`;
  return `${kind} ${objects.map((object) => objectName(schema, object)).join(", ")}`;
};

/** Who on what; two grants of one id would undo each other. */
const grantId = ({ role, database, schema, objectType, objects = [] }: GrantInputs): string =>
  [role, database, ...(objectType === "database" ? [] : [schema]), objectType, ...objects].join("_");

/** The query that lists objects with the privileges a role has on them, and its parameters after the grantee. */
const privilegesQuery = ({ objectType, database, schema }: GrantInputs): [string, unknown[]] => {
  if (objectType === "database") return ["privileges-database", [database]];
  if (objectType === "schema") return ["privileges-schema", [schema]];
  if (objectType === "table") return ["privileges-relations", [schema, "r"]];
  if (objectType === "sequence") return ["privileges-relations", [schema, "S"]];
  return ["privileges-functions", [schema]];
};

/** The privileges as wanted, unless some object has others: then that object's, which shows as a change. */
const readPrivileges = async (sql: Sql, given: GrantInputs): Promise<string[] | undefined> => {
  const [grantee] = await sql(query("grantee"), [given.role]);
  if (!grantee) return undefined;
  const [file, parameters] = privilegesQuery(given);
  const rows = await sql(query(file), [grantee.oid, ...parameters]);
  const named = given.objects?.map((object) => object.split("(")[0]);
  const odd = rows
    .filter(({ object }) => !named?.length || named.includes(object as string))
    .find(({ privileges }) => !areGranted(given.objectType, given.privileges, privileges as string[]));
  return (odd?.privileges as string[] | undefined) ?? given.privileges;
};

/** Whoever owns the schema may grant on it. */
const ownerOf = async (sql: Sql, { objectType, schema }: GrantInputs): Promise<string | undefined> =>
  objectType === "database"
    ? undefined
    : ((await sql(query("schema"), [schema]))[0]?.owner as string | undefined);

/** Takes everything away and grants anew in one transaction: privileges can get fewer, and are never missing. */
const apply = async (given: GrantInputs, { client, signal }: Context<Postgres>): Promise<Properties> =>
  client.transaction(given.database, signal, async (sql) => {
    await asMemberOf(sql, [await ownerOf(sql, given)], async () => {
      await sql(`REVOKE ALL PRIVILEGES ON ${target(given)} FROM ${name(given.role)}`);
      const option = given.withGrantOption ? " WITH GRANT OPTION" : "";
      if (given.privileges.length > 0) {
        await sql(`GRANT ${given.privileges.join(", ")} ON ${target(given)} TO ${name(given.role)}${option}`);
      }
    });
    return { privileges: (await readPrivileges(sql, given)) ?? [] };
  });

/** Privileges of one role on one kind of object. */
export const grant = resource<Postgres>()({
  inputs,
  outputs: [],
  check,
  create: async (given, context) => ({ id: grantId(given), state: await apply(given, context) }),
  update: (_id, given, _state, context) => apply(given, context),
  read: async (id, state, { client, signal }) => {
    const given = state as GrantInputs;
    const [there] = await client.session(undefined, signal, (sql) =>
      sql(query("database"), [given.database]),
    );
    if (!there) return undefined;
    const privileges = await client.session(given.database, signal, (sql) => readPrivileges(sql, given));
    return privileges && { id, state: { ...state, privileges } };
  },
  delete: async (_id, state, { client, signal }) => {
    const given = state as GrantInputs;
    await client.transaction(given.database, signal, async (sql) =>
      asMemberOf(sql, [await ownerOf(sql, given)], () =>
        sql(`REVOKE ALL PRIVILEGES ON ${target(given)} FROM ${name(given.role)}`),
      ),
    );
  },
});

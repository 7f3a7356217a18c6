import type { Properties } from "../plugin/properties.ts";
import { type Context, replaces, resource, updates } from "../plugin/resource.ts";
import { choice, type Filled, flag, set, text } from "../plugin/types.ts";
import { asMemberOf } from "./membership.ts";
import type { Postgres, Sql } from "./postgres.ts";
import { areGranted, privilegeFailures } from "./privileges.ts";
import { query } from "./queries.ts";
import { name } from "./quoting.ts";

const inputs = {
  role: replaces(text, { required: true }),
  database: replaces(text, { required: true }),
  owner: replaces(text, { required: true }),
  schema: replaces(text),
  objectType: replaces(choice("table", "sequence", "function", "routine", "type", "schema"), {
    required: true,
  }),
  privileges: updates(set(text), { required: true }),
  withGrantOption: replaces(flag, { default: false }),
};

type DefaultInputs = Filled<typeof inputs>;

/** The catalogue's letters for kinds of object. */
const kinds = { table: "r", sequence: "S", function: "f", routine: "f", type: "T", schema: "n" } as const;

/** The beginning that granting and revoking share. */
const alter = ({ owner, schema }: DefaultInputs): string =>
  `ALTER DEFAULT PRIVILEGES FOR ROLE ${name(owner)}${schema ? ` IN SCHEMA ${name(schema)}` : ""}`;

/** Takes back everything at once, so that the grant after it is the whole truth. */
const revoke = (given: DefaultInputs): string =>
  `${alter(given)} REVOKE ALL ON ${given.objectType.toUpperCase()}S FROM ${name(given.role)}`;

/** What the owner has granted, undefined if nothing where something was wanted: then the resource is gone. */
const readPrivileges = async (sql: Sql, given: DefaultInputs): Promise<string[] | undefined> => {
  const [grantee] = await sql(query("grantee"), [given.role]);
  if (!grantee) return undefined;
  const parameters = [grantee.oid, kinds[given.objectType], given.owner, given.schema ?? ""];
  const granted = (await sql(query("default-privileges"), parameters)).map(
    ({ privilege }) => privilege as string,
  );
  if (granted.length === 0 && given.privileges.length > 0) return undefined;
  return areGranted(given.objectType, given.privileges, granted) ? given.privileges : granted;
};

/** Replaces what was granted, in one transaction. */
const apply = async (given: DefaultInputs, { client, signal }: Context<Postgres>): Promise<Properties> =>
  client.transaction(given.database, signal, async (sql) => {
    await asMemberOf(sql, [given.owner], async () => {
      await sql(revoke(given));
      const option = given.withGrantOption ? " WITH GRANT OPTION" : "";
      const on = `ON ${given.objectType.toUpperCase()}S TO ${name(given.role)}${option}`;
      if (given.privileges.length > 0)
        await sql(`${alter(given)} GRANT ${given.privileges.join(", ")} ${on}`);
    });
    return { privileges: (await readPrivileges(sql, given)) ?? [] };
  });

/** What a role will be allowed on objects that an owner makes from now on. */
export const defaultPrivileges = resource<Postgres>()({
  inputs,
  outputs: [],
  check: async (given) => ({ inputs: given, failures: privilegeFailures(given) }),
  create: async (given, context) => {
    const { role, database, schema = "noschema", owner, objectType } = given;
    return { id: [role, database, schema, owner, objectType].join("_"), state: await apply(given, context) };
  },
  update: (_id, given, _state, context) => apply(given, context),
  read: async (id, state, { client, signal }) => {
    const given = state as DefaultInputs;
    const [there] = await client.session(undefined, signal, (sql) =>
      sql(query("database"), [given.database]),
    );
    if (!there) return undefined;
    const privileges = await client.session(given.database, signal, (sql) => readPrivileges(sql, given));
    return privileges && { id, state: { ...state, privileges } };
  },
  delete: async (_id, state, { client, signal }) => {
    const given = state as DefaultInputs;
    await client.transaction(given.database, signal, (sql) =>
      asMemberOf(sql, [given.owner], () => sql(revoke(given))),
    );
  },
});

import type { Properties } from "../plugin/properties.ts";
import { type Context, resource, updates } from "../plugin/resource.ts";
import { type Filled, flag, list, number, set, text } from "../plugin/types.ts";
import { asMemberOf } from "./membership.ts";
import type { Postgres, Row, Sql } from "./postgres.ts";
import { query } from "./queries.ts";
import { literal, name, names } from "./quoting.ts";
import { scramVerifier } from "./scram.ts";

const inputs = {
  name: updates(text, { required: true }),
  password: updates(text),
  encryptedPassword: updates(flag, { default: true }),
  validUntil: updates(text, { default: "infinity" }),
  connectionLimit: updates(number, { default: -1 }),
  superuser: updates(flag, { default: false }),
  createDatabase: updates(flag, { default: false }),
  createRole: updates(flag, { default: false }),
  inherit: updates(flag, { default: true }),
  login: updates(flag, { default: false }),
  replication: updates(flag, { default: false }),
  bypassRowLevelSecurity: updates(flag, { default: false }),
  roles: updates(set(text)),
  searchPaths: updates(list(text)),
  statementTimeout: updates(number),
  idleInTransactionSessionTimeout: updates(number),
  assumeRole: updates(text),
  skipDropRole: updates(flag, { default: false }),
  skipReassignOwned: updates(flag, { default: false }),
};

type RoleInputs = Filled<typeof inputs>;

/** A password that already is a verifier goes as it is. */
const passwordOption = (password: string | undefined): string =>
  password
    ? `PASSWORD ${literal(/^(SCRAM-SHA-256\$|md5[0-9a-f]{32}$)/.test(password) ? password : scramVerifier(password))}`
    : "PASSWORD NULL";

/** An option that is a word or its opposite. */
const switched =
  (word: string) =>
  (on: unknown): string =>
    on ? word : `NO${word}`;

/** Options of CREATE and ALTER ROLE by input. */
const options: Partial<Record<keyof RoleInputs, (value: never) => string>> = {
  password: passwordOption,
  validUntil: (until: string) => `VALID UNTIL ${literal(until)}`,
  connectionLimit: (limit: number) => `CONNECTION LIMIT ${limit}`,
  superuser: switched("SUPERUSER"),
  createDatabase: switched("CREATEDB"),
  createRole: switched("CREATEROLE"),
  inherit: switched("INHERIT"),
  login: switched("LOGIN"),
  replication: switched("REPLICATION"),
  bypassRowLevelSecurity: switched("BYPASSRLS"),
};

/** Options for the inputs that differ; only a superuser may mention some, even to say what is so already. */
const optionsOf = (given: RoleInputs, differs: (input: keyof RoleInputs) => boolean): string[] =>
  Object.entries(options)
    .filter(([input]) => differs(input as keyof RoleInputs))
    .map(([input, option]) => option(given[input as keyof RoleInputs] as never));

/** Settings a role's sessions start with, by input. */
const sessionSettings: Partial<
  Record<keyof RoleInputs, { setting: string; value: (value: never) => string }>
> = {
  searchPaths: { setting: "search_path", value: (paths: string[]) => names(paths) },
  statementTimeout: { setting: "statement_timeout", value: String },
  idleInTransactionSessionTimeout: { setting: "idle_in_transaction_session_timeout", value: String },
  assumeRole: { setting: "role", value: name },
};

/** Sets what is given and resets what is not, among the settings that differ. */
const applySettings = async (sql: Sql, given: RoleInputs, differs: (input: keyof RoleInputs) => boolean) => {
  for (const [input, { setting, value }] of Object.entries(sessionSettings)) {
    if (!differs(input as keyof RoleInputs)) continue;
    const wanted = given[input as keyof RoleInputs] as never;
    const change = wanted ? `SET ${setting} TO ${value(wanted)}` : `RESET ${setting}`;
    await sql(`ALTER ROLE ${name(given.name)} ${change}`);
  }
};

/** Makes the role a member of exactly these. */
const applyMemberships = async (sql: Sql, role: string, wanted: string[], is: string[]): Promise<void> => {
  for (const parent of is.filter((one) => !wanted.includes(one))) {
    await sql(`REVOKE ${name(parent)} FROM ${name(role)}`);
  }
  for (const parent of wanted.filter((one) => !is.includes(one))) {
    await sql(`GRANT ${name(parent)} TO ${name(role)}`);
  }
};

/** A setting as the catalogue keeps it: `name=value`. */
const settingOf = (row: Row, setting: string): string | undefined =>
  (row.settings as string[]).find((entry) => entry.startsWith(`${setting}=`))?.slice(setting.length + 1);

/** An identifier as it is meant, from the catalogue's list of them. */
const unquoted = (identifier: string): string =>
  identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;

/** The password cannot be read back: the state keeps what was set. */
const roleState = (row: Row, before: Properties): Properties => ({
  ...before,
  name: row.name as string,
  validUntil: row.valid_until as string,
  connectionLimit: row.connection_limit as number,
  superuser: row.superuser as boolean,
  createDatabase: row.create_database as boolean,
  createRole: row.create_role as boolean,
  inherit: row.inherit as boolean,
  login: row.login as boolean,
  replication: row.replication as boolean,
  bypassRowLevelSecurity: row.bypass_row_level_security as boolean,
  roles: row.roles as string[],
  searchPaths: (settingOf(row, "search_path") ?? "").split(", ").filter(Boolean).map(unquoted),
  statementTimeout: Number(settingOf(row, "statement_timeout") ?? 0),
  idleInTransactionSessionTimeout: Number(settingOf(row, "idle_in_transaction_session_timeout") ?? 0),
  assumeRole: settingOf(row, "role") ?? "",
});

/** A role with all its options in one statement; options may only be left out where they are not given. */
const create = async (given: RoleInputs, { client, signal }: Context<Postgres>) => {
  const isGiven = (input: keyof RoleInputs) => given[input] !== undefined;
  return client.transaction(undefined, signal, async (sql) => {
    const statement = `CREATE ROLE ${name(given.name)} WITH ${optionsOf(given, isGiven).join(" ")}`;
    await sql(statement).catch((error: Error) => {
      throw new Error(`error creating role ${given.name}: ${error.message}`);
    });
    await applyMemberships(sql, given.name, given.roles ?? [], []);
    await applySettings(sql, given, isGiven);
    const [row] = await sql(query("role"), [given.name]);
    return { id: given.name, state: roleState(row as Row, given as Properties) };
  });
};

/** The new name first: every statement after it uses that. */
const update = async (
  _id: string,
  given: RoleInputs,
  state: Properties,
  { client, signal }: Context<Postgres>,
) => {
  const differs = (input: keyof RoleInputs) => JSON.stringify(given[input]) !== JSON.stringify(state[input]);
  return client.transaction(undefined, signal, async (sql) => {
    const before = state.name as string;
    if (before !== given.name) await sql(`ALTER ROLE ${name(before)} RENAME TO ${name(given.name)}`);
    const changed = optionsOf(given, differs);
    if (changed.length > 0) await sql(`ALTER ROLE ${name(given.name)} WITH ${changed.join(" ")}`);
    const [is] = await sql(query("role"), [given.name]);
    await applyMemberships(sql, given.name, given.roles ?? [], (is?.roles ?? []) as string[]);
    await applySettings(sql, given, differs);
    const [row] = await sql(query("role"), [given.name]);
    return roleState(row as Row, given as Properties);
  });
};

/** Drops a role; what it owns in this database goes to the connected role first. */
const remove = async (
  _id: string,
  state: Properties,
  { client, signal }: Context<Postgres>,
): Promise<void> => {
  const role = name(state.name as string);
  await client.transaction(undefined, signal, async (sql) => {
    if (state.skipReassignOwned !== true)
      await asMemberOf(sql, [state.name as string], async () => {
        await sql(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
        await sql(`DROP OWNED BY ${role}`);
      });
    if (state.skipDropRole !== true) await sql(`DROP ROLE ${role}`);
  });
};

/** A role; its id is its name, and it is renamed in place. */
export const role = resource<Postgres>()({
  inputs,
  outputs: [],
  autonamed: true,
  create,
  read: async (id, state, { client, signal }) => {
    const current = (state.name as string | undefined) ?? id;
    const [row] = await client.session(undefined, signal, (sql) => sql(query("role"), [current]));
    return row && { id, state: roleState(row, state) };
  },
  update,
  delete: remove,
});

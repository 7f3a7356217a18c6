import type { Properties } from "../plugin/properties.ts";
import { replaces, resource } from "../plugin/resource.ts";
import { flag, text } from "../plugin/types.ts";
import type { Postgres } from "./postgres.ts";
import { query } from "./queries.ts";
import { name } from "./quoting.ts";

/**
 * One role's membership of another. A Role reads its memberships back as `roles`: a role whose memberships come from
 * here and which lists none shows drift after a refresh, as it does with the real plugin.
 */
export const grantRole = resource<Postgres>()({
  inputs: {
    role: replaces(text, { required: true }),
    grantRole: replaces(text, { required: true }),
    withAdminOption: replaces(flag, { default: false }),
  },
  outputs: [],
  create: async ({ role, grantRole: parent, withAdminOption }, { client, signal }) => {
    await client.transaction(undefined, signal, async (sql) => {
      await sql(`REVOKE ${name(parent)} FROM ${name(role)}`);
      await sql(`GRANT ${name(parent)} TO ${name(role)}${withAdminOption ? " WITH ADMIN OPTION" : ""}`);
    });
    return { id: `${role}_${parent}_${withAdminOption}`, state: {} };
  },
  read: async (id, state, { client, signal }) => {
    const pair = [state.role, state.grantRole];
    const [row] = await client.session(undefined, signal, (sql) => sql(query("grant-role"), pair));
    return (
      row && { id, state: { ...state, withAdminOption: row.with_admin_option as boolean } as Properties }
    );
  },
  delete: async (_id, state, { client, signal }) => {
    await client.transaction(undefined, signal, (sql) =>
      sql(`REVOKE ${name(state.grantRole as string)} FROM ${name(state.role as string)}`),
    );
  },
});

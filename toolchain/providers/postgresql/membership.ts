import type { Sql } from "./postgres.ts";
import { query } from "./queries.ts";
import { name } from "./quoting.ts";

/**
 * Runs `body` as a member of these roles. Whoever is no superuser (on Supabase nobody is) may only touch what belongs
 * to roles it is a member of, so it grants itself what is missing and gives it back.
 */
export const asMemberOf = async <T>(
  sql: Sql,
  roles: readonly (string | undefined)[],
  body: () => Promise<T>,
): Promise<T> => {
  const wanted = roles.filter((role): role is string => !!role);
  const missing = await sql(query("missing-memberships"), [wanted]);
  const granted = missing.map(({ role }) => role as string);
  for (const role of granted) await sql(`GRANT ${name(role)} TO CURRENT_USER`);
  const result = await body();
  for (const role of granted) await sql(`REVOKE ${name(role)} FROM CURRENT_USER`);
  return result;
};

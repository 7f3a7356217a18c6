import type pg from "pg";

/** A function of sync_metadata as the catalog has it. */
export interface CatalogFunction {
  name: string;
  /** As `name type`, in order. */
  parameters: { name: string; type: string }[];
  definer: boolean;
  /** Whether a cluster's login may call it. */
  granted: boolean;
  /** Whether it can be called at all: a trigger's function cannot. */
  callable: boolean;
}

/** A table of sync_metadata, or of a tenant's schema. */
export interface CatalogTable {
  /** Quoted, with its schema. */
  name: string;
  schema: string;
  /** Whether its rows are kept apart by cluster. */
  secured: boolean;
  clustered: boolean;
  /** Whether a cluster's login has any right on it. */
  granted: boolean;
}

/** Every function of sync_metadata: what a later migration adds is among them. */
export async function functionsOf(admin: pg.Client, login: string): Promise<CatalogFunction[]> {
  const { rows } = await admin.query(
    `SELECT p.proname AS name, p.prosecdef AS definer, has_function_privilege($1, p.oid, 'EXECUTE') AS granted,
       p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype AS callable,
       ARRAY(
         SELECT json_build_object('name', coalesce(p.proargnames[i.at], ''), 'type', format_type(i.type, NULL))
         FROM unnest(p.proargtypes) WITH ORDINALITY AS i (type, at)
       ) AS parameters
     FROM pg_proc AS p WHERE p.pronamespace = 'sync_metadata'::regnamespace AND p.prokind = 'f' ORDER BY p.oid`,
    [login],
  );
  return rows;
}

/** Every table of sync_metadata and of the tenants' schemas. */
export async function tablesOf(admin: pg.Client, login: string): Promise<CatalogTable[]> {
  const { rows } = await admin.query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname AS schema, c.relrowsecurity AS secured,
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'cluster') AS clustered,
       has_any_column_privilege($1, c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege($1, c.oid, 'DELETE, TRUNCATE')
         AS granted
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm') AND (n.nspname = 'sync_metadata' OR n.nspname LIKE 'tenant\\_%')
     ORDER BY n.nspname, c.oid`,
    [login],
  );
  return rows;
}

const VALUES: Record<string, string> = {
  uuid: "gen_random_uuid()",
  bigint: "1",
  integer: "1",
  boolean: "true",
  json: "'{}'",
  jsonb: "'{}'",
  bytea: "'\\x00'",
  "text[]": "'{}'",
  "bigint[]": "'{}'",
  "timestamp with time zone": "now()",
  interval: "'-1 year'",
};

/** A call in which every text is the one given, as a literal of SQL; what has no value here is null. */
export const callOf = ({ name, parameters }: CatalogFunction, text: string): string =>
  `SELECT sync_metadata."${name}"(${parameters
    .map(({ type }) => `${type === "text" || type === "name" ? text : (VALUES[type] ?? "NULL")}::${type}`)
    .join(", ")})`;

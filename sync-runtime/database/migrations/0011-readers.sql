-- Reading replicas without touching tenants. Analysts' logins are members of fleet_reader, which sees every tenant's
-- replica, or of fleet_reader_<tenant>, which sees one. Both may read columns, never tables: what is no credential is
-- granted column by column, so that a column nobody looked at yet is not readable by accident, and the bookkeeping
-- (_replica_odd may hold any value, a digest lets guesses be tested, tombstones outlive what was deleted) never is.

-- Columns that were looked at. denied false: its name looks like a credential's and it holds none.
CREATE TABLE sync_metadata.credential_columns (
  source text NOT NULL,
  name text NOT NULL,
  denied boolean NOT NULL DEFAULT true,
  holds text NOT NULL,
  PRIMARY KEY (source, name)
);

-- From the schemas of versions 0.3 to 0.11.
INSERT INTO sync_metadata.credential_columns (source, name, holds) VALUES
  ('auth', 'password', 'password hashes'),
  ('user', 'api_key', 'API keys, up to 0.6'),
  ('user', 'oauth', 'what a sign-in provider said of the user'),
  ('user', 'oauth_sub', 'whom a sign-in provider knows the user as'),
  ('user', 'settings', 'keys of direct connections, webhook addresses'),
  ('user', 'variables', 'values that users keep for prompts and tools'),
  ('user', 'scim', 'whom a directory knows the user as'),
  ('user', 'info', 'whatever extensions keep with a user'),
  ('api_key', 'key', 'API keys'),
  ('api_key', 'data', 'what belongs to an API key'),
  ('oauth_session', 'token', 'OAuth tokens'),
  ('config', 'data', 'all settings, keys of model servers and OAuth secrets among them, up to 0.10'),
  ('config', 'value', 'one setting, which may be a key or a secret'),
  ('config_old', 'data', 'all settings as they were before 0.11'),
  ('tool', 'valves', 'settings of a tool, its keys among them'),
  ('tool', 'content', 'source code, in which keys are often written'),
  ('function', 'valves', 'settings of a function, its keys among them'),
  ('function', 'content', 'source code, in which keys are often written'),
  ('model', 'params', 'parameters sent to model servers, headers among them'),
  ('chat', 'variables', 'values that users keep for prompts and tools'),
  ('channel_webhook', 'token', 'what lets anybody post to a channel');
INSERT INTO sync_metadata.credential_columns (source, name, denied, holds) VALUES
  ('config', 'key', false, 'the name of a setting'),
  ('config', 'updated_at', false, 'a time'),
  ('api_key', 'user_id', false, 'whose key it is'),
  ('oauth_session', 'provider', false, 'the name of a sign-in provider');

-- Whether readers are denied a column unless it is granted by name. What was not looked at, a later version's column
-- or a whole table of credentials, is judged by its names; ids, times and counts are let through.
CREATE FUNCTION sync_metadata.is_credential(source text, name text) RETURNS boolean
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(
    (SELECT c.denied FROM sync_metadata.credential_columns AS c WHERE (c.source, c.name) = (lower($1), lower($2))),
    lower(name) ~ '(passw|pwd|secret|private_?key)'
    OR lower(name || '/' || source)
        ~ '(token|credential|api_?key|oauth|valve|cookie|jwt|webhook_url|vault|keys?($|[_/])|(^|_)(auth|settings|variables)($|[_/]))'
      AND lower(name) !~ '(^|_)(id|ids|at|count)$'
  )
$$;

-- Logins that read, as the stack's config declares them. Membership of the groups is the stack's to grant; what
-- columns says is granted here. Written by apply.ts only.
CREATE TABLE sync_metadata.readers (
  login name PRIMARY KEY,
  cluster text NOT NULL,
  -- Null: every tenant, later ones included.
  tenants text[],
  -- [{"table", "column"}]: credentials it may read in those tenants' replicas.
  columns jsonb NOT NULL
);

-- The groups that read a tenant's replica: its own only while it is in somebody's config.
CREATE FUNCTION sync_metadata.reader_groups(tenant_id text) RETURNS SETOF oid
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT to_regrole('fleet_reader')::oid WHERE to_regrole('fleet_reader') IS NOT NULL
  UNION ALL
  SELECT r.oid FROM pg_roles AS r, sync_metadata.client_deployments AS d
  WHERE d.id = tenant_id AND d.state <> 'retired' AND r.rolname = 'fleet_reader_' || d.id
$$;

-- Who should read which column of a tenant's replica. Roles that do not exist are left out: nobody reads by them.
CREATE FUNCTION sync_metadata.wanted_reads(tenant_id text, only_source text)
RETURNS TABLE (source text, name text, reader oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  WITH replicated AS MATERIALIZED (
    SELECT t.name AS source, c.name FROM sync_metadata.replica_tables AS t, jsonb_to_recordset(t.columns) AS c (name text)
    WHERE t.tenant = tenant_id AND (only_source IS NULL OR t.name = only_source)
  )
  SELECT c.source, c.name, r.oid
  FROM replicated AS c, sync_metadata.reader_groups(tenant_id) AS r (oid)
  WHERE NOT sync_metadata.is_credential(c.source, c.name)
  UNION
  SELECT c.source, c.name, to_regrole(quote_ident(l.login))::oid
  FROM sync_metadata.readers AS l, jsonb_to_recordset(l.columns) AS g ("table" text, "column" text), replicated AS c
  WHERE (l.tenants IS NULL OR tenant_id = ANY (l.tenants)) AND to_regrole(quote_ident(l.login)) IS NOT NULL
    AND (c.source, c.name) = (g."table", g."column")
$$;

-- Makes the rights on a tenant's replica, or on one table of it, what they should be: readers get the columns that
-- wanted_reads says and lose every other.
CREATE FUNCTION sync_metadata.grant_readers(tenant_id text, only_source text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  change record;
BEGIN
  FOR change IN
    WITH held AS (
      SELECT c.relname::text AS source, a.attname::text AS name, e.grantee AS reader
      FROM pg_class AS c
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      CROSS JOIN aclexplode(a.attacl) AS e
      WHERE c.relnamespace = to_regnamespace(quote_ident(schema_name))
        AND (only_source IS NULL OR c.relname = only_source) AND e.privilege_type = 'SELECT'
    ),
    wanted AS MATERIALIZED (
      SELECT w.source, w.name, w.reader FROM sync_metadata.wanted_reads(tenant_id, only_source) AS w
    ),
    changed AS (
      SELECT 'GRANT SELECT (%s) ON %I.%I TO %s' AS statement, g.*
      FROM (SELECT * FROM wanted EXCEPT SELECT * FROM held) AS g
      UNION ALL
      SELECT 'REVOKE SELECT (%s) ON %I.%I FROM %s', r.*
      FROM (SELECT * FROM held EXCEPT SELECT * FROM wanted) AS r
    ),
    by_column AS (
      SELECT c.statement, c.source, c.name,
        string_agg(quote_ident(pg_get_userbyid(c.reader)), ', ' ORDER BY c.reader) AS readers
      FROM changed AS c GROUP BY c.statement, c.source, c.name
    )
    SELECT format(
      c.statement, string_agg(quote_ident(c.name), ', ' ORDER BY c.name), schema_name, c.source, c.readers
    ) AS statement
    FROM by_column AS c GROUP BY c.statement, c.source, c.readers
  LOOP
    EXECUTE change.statement;
  END LOOP;

  FOR change IN
    WITH held AS (
      SELECT e.grantee AS reader FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS e
      JOIN pg_roles AS r ON r.oid = e.grantee
      WHERE n.nspname = schema_name AND (r.rolname = 'fleet_reader' OR starts_with(r.rolname, 'fleet_reader_'))
    ),
    wanted AS (SELECT g.oid AS reader FROM sync_metadata.reader_groups(tenant_id) AS g (oid))
    SELECT format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, pg_get_userbyid(g.reader)) AS statement
    FROM (SELECT * FROM wanted EXCEPT SELECT * FROM held) AS g
    UNION ALL
    SELECT format('REVOKE ALL ON SCHEMA %I FROM %I', schema_name, pg_get_userbyid(r.reader))
    FROM (SELECT * FROM held EXCEPT SELECT * FROM wanted) AS r
  LOOP
    EXECUTE change.statement;
  END LOOP;
END
$$;

-- A table's row in replica_tables is written behind the table itself; its readers' rights follow, in the same
-- transaction, whatever way the table was made or reshaped.
CREATE FUNCTION sync_metadata.grant_table_readers() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NEW.columns <> '[]' THEN
    PERFORM sync_metadata.grant_readers(NEW.tenant, NEW.name);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER grant_readers AFTER INSERT OR UPDATE OF columns ON sync_metadata.replica_tables
FOR EACH ROW EXECUTE FUNCTION sync_metadata.grant_table_readers();

-- A first sync makes all its tables, and then gives what follows from them (readers' rights, triggers, totals) once for all of
-- them instead of once for each. Looking up a table's rights reads no more of the catalog than that table's part.

DROP TRIGGER grant_readers ON sync_metadata.replica_tables;
DROP TRIGGER watch_edits ON sync_metadata.replica_tables;
DROP FUNCTION sync_metadata.watch_table();
DROP FUNCTION sync_metadata.watch_edits(text, text);
DROP FUNCTION sync_metadata.grant_readers(text, text);
DROP FUNCTION sync_metadata.wanted_reads(text, text);

-- Who should read which column of a tenant's replica. Roles that do not exist are left out: nobody reads by them.
CREATE FUNCTION sync_metadata.wanted_reads(tenant_id text, only_sources text[])
RETURNS TABLE (source text, name text, reader oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  WITH replicated AS MATERIALIZED (
    SELECT t.name AS source, c.name FROM sync_metadata.replica_tables AS t, jsonb_to_recordset(t.columns) AS c (name text)
    WHERE t.tenant = tenant_id AND (only_sources IS NULL OR t.name = ANY (only_sources))
  )
  SELECT c.source, sync_metadata.held_name(c.name), r.oid
  FROM replicated AS c, sync_metadata.reader_groups(tenant_id) AS r (oid)
  WHERE NOT sync_metadata.is_credential(c.source, c.name)
  UNION
  SELECT c.source, sync_metadata.held_name(c.name), to_regrole(quote_ident(l.login))::oid
  FROM sync_metadata.readers AS l, jsonb_to_recordset(l.columns) AS g ("table" text, "column" text), replicated AS c
  WHERE (l.tenants IS NULL OR tenant_id = ANY (l.tenants)) AND to_regrole(quote_ident(l.login)) IS NOT NULL
    AND (c.source, c.name) = (g."table", g."column")
$$;

-- Makes the rights on a tenant's replica, or on some tables of it, what they should be: readers get the columns that
-- wanted_reads says and lose every other.
CREATE FUNCTION sync_metadata.grant_readers(tenant_id text, only_sources text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  -- By names, which pg_class has an index for: it has none for schemas, and the other tenants' tables are in it too.
  sources text[] := coalesce(
    only_sources, ARRAY(SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(quote_ident(schema_name)))
  );
  change record;
BEGIN
  FOR change IN
    WITH held AS (
      SELECT c.relname::text AS source, a.attname::text AS name, e.grantee AS reader
      FROM pg_class AS c
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      CROSS JOIN aclexplode(a.attacl) AS e
      WHERE c.relnamespace = to_regnamespace(quote_ident(schema_name))
        AND c.relname = ANY (sources) AND e.privilege_type = 'SELECT'
    ),
    wanted AS MATERIALIZED (
      SELECT w.source, w.name, w.reader FROM sync_metadata.wanted_reads(tenant_id, only_sources) AS w
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

-- Has what others than the logins of the tenant's cluster write noted, in all of a replica's tables or in some. The names
-- stand in the triggers: a COPY of the nodes then compares each row with a constant and is done. Where the triggers
-- are there, by the same names and enabled, nothing is locked or made.
CREATE FUNCTION sync_metadata.watch_edits(tenant_id text, only_sources text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
  logins name[] := ARRAY(
    SELECT l.login FROM sync_metadata.cluster_logins AS l
    JOIN sync_metadata.client_deployments AS d ON d.cluster = l.cluster WHERE d.id = tenant_id ORDER BY l.login
  );
  arguments text := (
    SELECT string_agg(quote_literal(a), ', ' ORDER BY place)
    FROM unnest(ARRAY[tenant_id] || logins::text[]) WITH ORDINALITY AS u (a, place)
  );
  stored bytea := (
    SELECT string_agg(convert_to(a, 'UTF8') || '\x00'::bytea, '' ORDER BY place)
    FROM unnest(ARRAY[tenant_id] || logins::text[]) WITH ORDINALITY AS u (a, place)
  );
  watched text;
BEGIN
  FOR watched IN
    SELECT c.oid::regclass::text
    FROM sync_metadata.replica_tables AS t
    JOIN pg_class AS c ON c.relname = t.name AND c.relkind = 'r'
      AND c.relnamespace = to_regnamespace(quote_ident(sync_metadata.tenant_schema(tenant_id)))
    WHERE t.tenant = tenant_id AND (only_sources IS NULL OR t.name = ANY (only_sources)) AND 3 > (
      SELECT count(*) FROM pg_trigger AS g
      WHERE g.tgrelid = c.oid AND g.tgname IN ('_replica_await', '_replica_note', '_replica_truncate')
        AND g.tgenabled = 'O' AND g.tgargs = stored
    )
  LOOP
    EXECUTE format(
      'DROP TRIGGER IF EXISTS _replica_await ON %1$s;
       DROP TRIGGER IF EXISTS _replica_note ON %1$s;
       DROP TRIGGER IF EXISTS _replica_truncate ON %1$s;
       CREATE TRIGGER _replica_await BEFORE INSERT OR UPDATE OR DELETE ON %1$s
         FOR EACH STATEMENT WHEN (session_user <> ALL (%2$L::name[])) EXECUTE FUNCTION sync_metadata.await_sync(%3$s);
       CREATE TRIGGER _replica_note AFTER INSERT OR UPDATE OR DELETE ON %1$s
         FOR EACH ROW WHEN (session_user <> ALL (%2$L::name[])) EXECUTE FUNCTION sync_metadata.note_edit(%3$s);
       CREATE TRIGGER _replica_truncate BEFORE TRUNCATE ON %1$s
         FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.refuse_truncate(%3$s)',
      watched, logins, arguments
    );
  END LOOP;
END
$$;

-- A table's row in replica_tables is written behind the table itself: what follows from it is done in the same transaction,
-- whatever way the table was made or reshaped.
CREATE FUNCTION sync_metadata.follow_added() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  one record;
BEGIN
  FOR one IN
    SELECT a.tenant, array_agg(a.name) AS names, array_agg(a.name) FILTER (WHERE a.columns <> '[]') AS readable
    FROM added AS a GROUP BY a.tenant
  LOOP
    IF one.readable IS NOT NULL THEN
      PERFORM sync_metadata.grant_readers(one.tenant, one.readable);
    END IF;
    PERFORM sync_metadata.watch_edits(one.tenant, one.names);
  END LOOP;
  RETURN NULL;
END
$$;

CREATE TRIGGER follow_added AFTER INSERT ON sync_metadata.replica_tables
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.follow_added();

CREATE OR REPLACE FUNCTION sync_metadata.grant_table_readers() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NEW.columns <> '[]' THEN
    PERFORM sync_metadata.grant_readers(NEW.tenant, ARRAY[NEW.name]);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER grant_readers AFTER UPDATE OF columns ON sync_metadata.replica_tables
  FOR EACH ROW EXECUTE FUNCTION sync_metadata.grant_table_readers();

-- Brings all tables of a source to its shape, and makes those that are not there.
-- source_tables  [{"name", "columns": [{"name", "type"}], "key": [name] or null, "ddl": [statement]}]; types already
--                mapped to Postgres', ddl kept for restoring and never used here
-- Returns, per table: its columns in the order that COPY takes behind _replica_odd (what was there keeps its place, new
-- ones follow), whether it holds rows, and the statement that fills it.
CREATE OR REPLACE FUNCTION sync_metadata.define_tables(tenant_id text, source_tables jsonb)
RETURNS TABLE (source text, columns jsonb, filled boolean, copy text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  wanted record;
  made jsonb := '[]';
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  FOR wanted IN
    SELECT w.*, t.columns AS known,
      (t.key, t.ddl) IS NOT DISTINCT FROM (w.key, w.ddl) AND t.columns @> w.columns AND w.columns @> t.columns AS same
    FROM jsonb_to_recordset(source_tables) AS w (name text, columns jsonb, key text[], ddl text[])
    LEFT JOIN sync_metadata.replica_tables AS t ON t.tenant = tenant_id AND t.name = w.name
  LOOP
    source := wanted.name;
    columns := CASE WHEN wanted.same THEN wanted.known ELSE
      sync_metadata.define_table(tenant_id, source, wanted.columns, wanted.key, wanted.ddl, wanted.known)
    END;
    IF wanted.known IS NULL THEN
      made := made || jsonb_build_object('name', source, 'columns', columns, 'key', wanted.key, 'ddl', wanted.ddl);
    END IF;
    filled := false;
    IF wanted.known IS NOT NULL THEN
      EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', schema_name, source) INTO filled;
    END IF;
    -- Nobody sees a table that was made just now: its rows can be written as ones that all may see.
    copy := format(
      'COPY %I.%I (%s) FROM STDIN (FORMAT binary%s)', schema_name, source, sync_metadata.filled_columns(columns),
      CASE WHEN wanted.known IS NULL THEN ', FREEZE' ELSE '' END
    );
    RETURN NEXT;
  END LOOP;
  INSERT INTO sync_metadata.replica_tables (tenant, cluster, name, columns, key, ddl)
    SELECT tenant_id, sync_metadata.own_cluster(), m.name, m.columns, m.key, m.ddl
    FROM jsonb_to_recordset(made) AS m (name text, columns jsonb, key text[], ddl text[]);
END
$$;

-- One table of these; known: its columns as they are, null when there is none: its row is then for the caller to write.
-- Returns them as they are now. A column whose type changed is made anew: the source still has its values and sends them
-- again.
CREATE OR REPLACE FUNCTION sync_metadata.define_table(
  tenant_id text, source text, source_columns jsonb, source_key text[], source_ddl text[], known jsonb
) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  target text := format('%I.%I', sync_metadata.tenant_schema(tenant_id), source);
  layout jsonb;
BEGIN
  PERFORM sync_metadata.require_shape(source, source_columns, source_key);
  SELECT jsonb_agg(jsonb_build_object('name', c.name, 'type', c.type) ORDER BY k.place, c.place) INTO layout
    FROM ROWS FROM (jsonb_to_recordset(source_columns) AS (name text, type text))
      WITH ORDINALITY AS c (name, type, place)
    LEFT JOIN ROWS FROM (jsonb_to_recordset(coalesce(known, '[]')) AS (name text, type text))
      WITH ORDINALITY AS k (name, type, place)
      ON (k.name, k.type) = (c.name, c.type);
  IF known IS NULL THEN
    EXECUTE format(
      'CREATE TABLE %s (_replica_odd jsonb COMPRESSION lz4, %s, _replica_digest bytea GENERATED ALWAYS AS (%s) STORED)',
      target, sync_metadata.column_definitions(layout, ''), sync_metadata.digest_expression(source, layout)
    );
    EXECUTE format('GRANT SELECT, INSERT ON TABLE %s TO sync_service', target);
    RETURN layout;
  END IF;
  IF layout <> known THEN
    PERFORM sync_metadata.reshape_table(tenant_id, source, known, layout);
  END IF;
  UPDATE sync_metadata.replica_tables AS t SET columns = layout, key = source_key, ddl = source_ddl
    WHERE t.tenant = tenant_id AND t.name = source;
  RETURN layout;
END
$$;

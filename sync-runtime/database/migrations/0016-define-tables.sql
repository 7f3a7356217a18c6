-- All tables of a source are brought to its shape in one call, of which little is left where little changed. What
-- else the source holds (views, settings of the file) is kept for restoring.

ALTER TABLE sync_metadata.replicas
  -- {"objects", "pragmas"} as the header of the last sync said; null before one said it.
  ADD COLUMN source jsonb;
GRANT UPDATE (source) ON sync_metadata.replicas TO sync_service;
-- The source's own statements: the table's, then those of its indexes and triggers.
ALTER TABLE sync_metadata.replica_tables ALTER COLUMN ddl TYPE text[] USING ARRAY[ddl];
-- The next sync of each tenant is a full one and brings both.
UPDATE sync_metadata.replicas SET committed_sync = NULL;

-- What a column of the source is called in the replica: the same, unless every table of Postgres has such a column.
CREATE FUNCTION sync_metadata.held_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN name IN ('ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid') THEN '_replica_' || name ELSE name END;

-- The digest binds the source's name of a column, and takes its value from the replica's.
CREATE OR REPLACE FUNCTION sync_metadata.digest_expression(source text, columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(
    'sha256(%L::bytea || %s)',
    '\x6f7775692d726f772d3100'::bytea || sync_metadata.length_prefixed(source), -- "owui-row-1" 0x00, table
    sync_metadata.concatenation(array_agg(
      format(
        '%L::bytea || coalesce(decode(_replica_odd ->> %L, ''hex''), sync_metadata.canonical(%I), ''\x4e''::bytea)',
        sync_metadata.length_prefixed(c.name), c.name, sync_metadata.held_name(c.name)
      )
      ORDER BY convert_to(c.name, 'UTF8')
    ))
  )
  FROM jsonb_to_recordset(columns) AS c (name text)
$$;

CREATE OR REPLACE FUNCTION sync_metadata.tombstone_columns(columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(
    format('%I' || CASE c.type WHEN 'json' THEN '::text' ELSE '' END || ' AS %I, ', sync_metadata.held_name(c.name), c.name),
    ''
  ) || '_replica_odd'
  FROM jsonb_to_recordset(columns) AS c (name text, type text)
$$;

CREATE OR REPLACE FUNCTION sync_metadata.key_expression(source_key text[], alias text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(
    'ARRAY[%s]',
    string_agg(format('%1$s.%2$I::text, %1$s._replica_odd ->> %3$L', alias, sync_metadata.held_name(k), k), ', ')
  )
  FROM unnest(source_key) AS k
$$;

-- The columns of a replica's table that COPY and INSERT fill, as a list for a statement, in the table's order.
CREATE FUNCTION sync_metadata.filled_columns(columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT '_replica_odd' || string_agg(format(', %I', sync_metadata.held_name(c ->> 'name')), '' ORDER BY place)
  FROM jsonb_array_elements(columns) WITH ORDINALITY AS l (c, place)
$$;

-- The definitions of columns, each behind a prefix: "prefix name type" and a comma between.
CREATE FUNCTION sync_metadata.column_definitions(columns jsonb, prefix text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(
    format('%s%I %s', prefix, sync_metadata.held_name(c ->> 'name'), c ->> 'type')
      || CASE WHEN c ->> 'type' IN ('text', 'json', 'bytea') THEN ' COMPRESSION lz4' ELSE '' END,
    ', ' ORDER BY place
  )
  FROM jsonb_array_elements(columns) WITH ORDINALITY AS l (c, place)
$$;

-- As it was, with the columns' names in the replica.
CREATE OR REPLACE FUNCTION sync_metadata.wanted_reads(tenant_id text, only_source text)
RETURNS TABLE (source text, name text, reader oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  WITH replicated AS MATERIALIZED (
    SELECT t.name AS source, c.name FROM sync_metadata.replica_tables AS t, jsonb_to_recordset(t.columns) AS c (name text)
    WHERE t.tenant = tenant_id AND (only_source IS NULL OR t.name = only_source)
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

-- Brings all tables of a source to its shape, and makes those that are not there.
-- source_tables  [{"name", "columns": [{"name", "type"}], "key": [name] or null, "ddl": [statement]}]; types already
--                mapped to Postgres', ddl kept for restoring and never used here
-- Returns, per table: its columns in the order that COPY takes behind _replica_odd (what was there keeps its place, new
-- ones follow), whether it holds rows, and the statement that fills it.
CREATE FUNCTION sync_metadata.define_tables(tenant_id text, source_tables jsonb)
RETURNS TABLE (source text, columns jsonb, filled boolean, copy text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  wanted record;
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
END
$$;

-- One table of these; known: its columns as they are, null when there is none. Returns them as they are now. A column
-- whose type changed is made anew: the source still has its values and sends them again.
DROP FUNCTION sync_metadata.define_table(text, text, jsonb, text[], text);
CREATE FUNCTION sync_metadata.define_table(
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
    INSERT INTO sync_metadata.replica_tables (tenant, cluster, name, columns, key, ddl)
      VALUES (tenant_id, sync_metadata.own_cluster(), source, layout, source_key, source_ddl);
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

-- Alters a table from the columns of known to those of layout in one rewrite. What a column that is gone held goes
-- to the tombstones with the row's key.
CREATE OR REPLACE FUNCTION sync_metadata.reshape_table(tenant_id text, source text, known jsonb, layout jsonb)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  target text := format('%I.%I', schema_name, source);
  source_key text[] := (
    SELECT t.key FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source
  );
  -- Names that leave the table, and those of them that the source no longer has at all.
  dropped text[] := ARRAY(
    SELECT k ->> 'name' FROM jsonb_array_elements(known) AS k WHERE NOT layout @> jsonb_build_array(k)
  );
  gone text[] := ARRAY(SELECT unnest(dropped) EXCEPT SELECT c ->> 'name' FROM jsonb_array_elements(layout) AS c);
  added jsonb := (
    SELECT jsonb_agg(c ORDER BY place) FROM jsonb_array_elements(layout) WITH ORDINALITY AS l (c, place)
    WHERE NOT known @> jsonb_build_array(c)
  );
  -- What a tombstone keeps: those, and the key that says whose they were.
  kept jsonb := (
    SELECT jsonb_agg(k) FROM jsonb_array_elements(known) AS k WHERE k ->> 'name' = ANY (gone || source_key)
  );
BEGIN
  IF gone <> '{}' THEN
    EXECUTE format(
      'INSERT INTO %1$I._replica_tombstones (source, reason, content)
       SELECT %2$L, ''column'', to_json(_replica_row) FROM (
         SELECT %3$s FROM %4$s WHERE num_nonnulls(VARIADIC ARRAY[%5$s]) > 0 OR _replica_odd ?| %6$L::text[]
       ) AS _replica_row',
      schema_name, source, sync_metadata.tombstone_columns(kept), target,
      (SELECT string_agg(format('%I::text', sync_metadata.held_name(g)), ', ') FROM unnest(gone) AS g), gone
    );
  END IF;
  IF dropped <> '{}' THEN
    EXECUTE format('UPDATE %s SET _replica_odd = nullif(_replica_odd - $1, ''{}'') WHERE _replica_odd ?| $1', target)
      USING dropped;
  END IF;
  EXECUTE format('ALTER TABLE %s DROP COLUMN _replica_digest', target)
    || (SELECT coalesce(string_agg(format(', DROP COLUMN %I', sync_metadata.held_name(d)), ''), '') FROM unnest(dropped) AS d)
    || coalesce(', ' || sync_metadata.column_definitions(added, 'ADD COLUMN '), '')
    || format(
      ', ADD COLUMN _replica_digest bytea GENERATED ALWAYS AS (%s) STORED',
      sync_metadata.digest_expression(source, layout)
    );
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.define_tables(text, jsonb), sync_metadata.filled_columns(jsonb),
  sync_metadata.held_name(text) TO sync_service;

-- Makes a replica's table, or brings it to a new shape. Names and types come from a tenant's own database, so they
-- are hostile: names go through %I and %L only, types must be on the list, and nothing else of the source is used.

-- Refuses what no replica can hold: the rules of protocol/name.ts and column-type.ts, told by name.
CREATE FUNCTION sync_metadata.require_shape(source text, source_columns jsonb, source_key text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  refused text;
BEGIN
  SELECT n INTO refused
    FROM (
      SELECT source UNION ALL SELECT c.name FROM jsonb_to_recordset(source_columns) AS c (name text)
    ) AS names (n)
    WHERE n IS NULL OR n = '' OR octet_length(n) > 63 OR starts_with(lower(n), '_replica_')
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'table % cannot be replicated: % is no name that a replica can hold',
      source, coalesce(quote_ident(refused), 'null')
      USING ERRCODE = 'invalid_name', HINT = 'Names have 1 to 63 bytes and do not begin with _replica_.';
  END IF;
  SELECT c.name || ' ' || coalesce(c.type, 'null') INTO refused
    FROM jsonb_to_recordset(source_columns) AS c (name text, type text)
    WHERE c.type IS NULL OR c.type NOT IN ('bigint', 'boolean', 'double precision', 'text', 'json', 'bytea')
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'table % cannot be replicated: column % has none of the types a replica holds', source, refused
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF jsonb_array_length(source_columns) NOT BETWEEN 1 AND 500 THEN
    RAISE EXCEPTION 'table % cannot be replicated: it has % columns, 1 to 500 are held',
      source, jsonb_array_length(source_columns)
      USING ERRCODE = 'too_many_columns';
  END IF;
  IF NOT source_key <@ ARRAY(SELECT c.name FROM jsonb_to_recordset(source_columns) AS c (name text)) THEN
    RAISE EXCEPTION 'table % cannot be replicated: its key % names a column it does not have', source, source_key
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
END
$$;

-- tenant_id, source       the table
-- source_columns          [{"name", "type"}], types already mapped to Postgres'
-- source_key, source_ddl  kept for later, not used here
-- Returns the columns in the order that COPY takes behind _replica_odd: what was there keeps its place, new ones
-- follow. A column whose type changed is made anew: the source still has its values and sends them again.
CREATE FUNCTION sync_metadata.define_table(
  tenant_id text, source text, source_columns jsonb, source_key text[], source_ddl text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  target text := format('%I.%I', sync_metadata.tenant_schema(tenant_id), source);
  known jsonb;
  layout jsonb;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  PERFORM sync_metadata.require_shape(source, source_columns, source_key);
  SELECT t.columns INTO known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source;
  IF NOT FOUND THEN
    known := '[]';
    EXECUTE format('CREATE TABLE %s (_replica_odd jsonb COMPRESSION lz4)', target);
    EXECUTE format('GRANT SELECT, INSERT ON TABLE %s TO sync_service', target);
    INSERT INTO sync_metadata.replica_tables (tenant, cluster, name, columns, ddl)
      VALUES (tenant_id, sync_metadata.own_cluster(), source, known, source_ddl);
  END IF;

  SELECT jsonb_agg(jsonb_build_object('name', c.name, 'type', c.type) ORDER BY k.place, c.place) INTO layout
    FROM ROWS FROM (jsonb_to_recordset(source_columns) AS (name text, type text))
      WITH ORDINALITY AS c (name, type, place)
    LEFT JOIN ROWS FROM (jsonb_to_recordset(known) AS (name text, type text))
      WITH ORDINALITY AS k (name, type, place)
      ON (k.name, k.type) = (c.name, c.type);
  IF layout <> known THEN
    PERFORM sync_metadata.reshape_table(tenant_id, source, known, layout);
  END IF;
  UPDATE sync_metadata.replica_tables AS t SET columns = layout, key = source_key, ddl = source_ddl
    WHERE t.tenant = tenant_id AND t.name = source
      AND (t.columns, t.key, t.ddl) IS DISTINCT FROM (layout, source_key, source_ddl);
  RETURN layout;
END
$$;

-- Alters a table from the columns of known to those of layout in one rewrite. What a column that is gone held goes
-- to the tombstones with the row's key.
CREATE FUNCTION sync_metadata.reshape_table(tenant_id text, source text, known jsonb, layout jsonb) RETURNS void
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
      sync_metadata.identifiers(gone, '::text'), gone
    );
  END IF;
  IF dropped <> '{}' THEN
    EXECUTE format('UPDATE %s SET _replica_odd = nullif(_replica_odd - $1, ''{}'') WHERE _replica_odd ?| $1', target)
      USING dropped;
  END IF;
  EXECUTE format('ALTER TABLE %s DROP COLUMN IF EXISTS _replica_digest', target)
    || (SELECT coalesce(string_agg(format(', DROP COLUMN %I', d), ''), '') FROM unnest(dropped) AS d)
    || (
      SELECT coalesce(string_agg(
        format(', ADD COLUMN %I %s', c ->> 'name', c ->> 'type')
          || CASE WHEN c ->> 'type' IN ('text', 'json', 'bytea') THEN ' COMPRESSION lz4' ELSE '' END,
        '' ORDER BY place
      ), '')
      FROM jsonb_array_elements(layout) WITH ORDINALITY AS l (c, place) WHERE NOT known @> jsonb_build_array(c)
    )
    || format(
      ', ADD COLUMN _replica_digest bytea GENERATED ALWAYS AS (%s) STORED',
      sync_metadata.digest_expression(source, layout)
    );
END
$$;

-- Names as a list for a statement: quoted, each followed by suffix.
CREATE FUNCTION sync_metadata.identifiers(names text[], suffix text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(quote_ident(n) || suffix, ', ' ORDER BY place)
  FROM unnest(names) WITH ORDINALITY AS u (n, place)
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.define_table(text, text, jsonb, text[], text),
  sync_metadata.identifiers(text[], text) TO sync_service;

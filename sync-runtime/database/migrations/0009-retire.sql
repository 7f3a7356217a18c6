-- Takes rows and tables out of a replica. What vanished from the source goes whole to the tombstones; a version
-- that the source replaced just goes. These are the only ways anything leaves a replica, and whoever may call them
-- can neither read nor shorten what the tombstones keep.
-- A whole row is written _replica_row: any shorter alias could be the name of one of the source's columns, and would
-- then mean that column.

-- The key of a row as text, odd values included, so that two versions of one row can be matched (and hashed).
-- alias: the row's alias in the statement. A table without a key has none.
CREATE FUNCTION sync_metadata.key_expression(source_key text[], alias text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('ARRAY[%s]', string_agg(format('%1$s.%2$I::text, %1$s._replica_odd ->> %2$L', alias, k), ', '))
  FROM unnest(source_key) AS k
$$;

-- Retires counts[i] rows that have digests[i]. Called behind the insertion of new versions: a row whose key is still
-- there was superseded, any other vanished.
CREATE FUNCTION sync_metadata.retire_rows(
  tenant_id text, source text, digests bytea[], counts bigint[], OUT retired bigint, OUT tombstoned bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- The planner knows nothing yet of rows that this transaction wrote, and would compare each with each.
SET enable_nestloop = off
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  target text := format('%I.%I', schema_name, source);
  known sync_metadata.replica_tables;
  -- Which of several equal rows goes makes no difference, as long as both statements mean the same ones.
  doomed text := format(
    'WITH doomed AS MATERIALIZED (
       SELECT r.row_id FROM (
         SELECT t.ctid AS row_id, t._replica_digest,
           row_number() OVER (PARTITION BY t._replica_digest ORDER BY t.ctid) AS nth
         FROM %s AS t WHERE t._replica_digest = ANY ($1)
       ) AS r JOIN unnest($1, $2) AS g (digest, n) ON g.digest = r._replica_digest AND r.nth <= g.n
     ) ',
    target
  );
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  SELECT * INTO STRICT known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source;
  EXECUTE doomed || format(
    'INSERT INTO %I._replica_tombstones (source, reason, content)
     SELECT %L, ''row'', to_json(_replica_row) FROM (
       SELECT %s FROM %s AS t WHERE t.ctid IN (SELECT row_id FROM doomed) %s
     ) AS _replica_row',
    schema_name, source, sync_metadata.tombstone_columns(known.columns), target,
    CASE WHEN known.key IS NULL THEN '' ELSE format(
      'AND NOT EXISTS (
         SELECT FROM %s AS s
         WHERE %s = %s AND NOT EXISTS (SELECT FROM doomed AS d WHERE d.row_id = s.ctid)
       )',
      target, sync_metadata.key_expression(known.key, 's'), sync_metadata.key_expression(known.key, 't')
    ) END
  ) USING digests, counts;
  GET DIAGNOSTICS tombstoned = ROW_COUNT;
  EXECUTE doomed || format('DELETE FROM %s AS t WHERE t.ctid IN (SELECT row_id FROM doomed)', target)
    USING digests, counts;
  GET DIAGNOSTICS retired = ROW_COUNT;
END
$$;

-- Retires a table that the source no longer has. Returns its rows, all of them tombstones now.
CREATE FUNCTION sync_metadata.retire_table(tenant_id text, source text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known jsonb;
  tombstoned bigint;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  DELETE FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source
    RETURNING t.columns INTO known;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'tenant % has no replicated table %', tenant_id, source USING ERRCODE = 'undefined_table';
  END IF;
  EXECUTE format(
    'INSERT INTO %1$I._replica_tombstones (source, reason, content)
     SELECT %2$L, ''table'', to_json(_replica_row) FROM (SELECT %3$s FROM %1$I.%2$I) AS _replica_row',
    schema_name, source, sync_metadata.tombstone_columns(known)
  );
  GET DIAGNOSTICS tombstoned = ROW_COUNT;
  EXECUTE format('DROP TABLE %I.%I', schema_name, source);
  RETURN tombstoned;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.retire_rows(text, text, bytea[], bigint[]),
  sync_metadata.retire_table(text, text) TO sync_service;

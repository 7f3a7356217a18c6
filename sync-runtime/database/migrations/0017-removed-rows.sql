-- Rows leave a replica by their digests, however many: these are collected in a table of the tenant's schema, and one
-- statement finds, keeps and deletes the rows, with whatever memory and disk Postgres gives to a join.

-- Digests of rows that are to go, one entry for one row. Unlogged: it matters within one transaction only. Whoever
-- collects can neither read nor change what is collected, nor write for another transaction.
CREATE FUNCTION sync_metadata.make_removed(schema_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'CREATE UNLOGGED TABLE %I._replica_removed (digest bytea NOT NULL, xact xid8 NOT NULL DEFAULT pg_current_xact_id())',
    schema_name
  );
  EXECUTE format('GRANT INSERT (digest) ON TABLE %I._replica_removed TO sync_service', schema_name);
END
$$;

SELECT sync_metadata.make_removed(sync_metadata.tenant_schema(r.tenant)) FROM sync_metadata.replicas AS r;

-- Makes a tenant's schema, its bookkeeping and its row in replicas, where they do not exist.
CREATE OR REPLACE FUNCTION sync_metadata.make_tenant_schema(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  INSERT INTO sync_metadata.replicas (tenant, cluster)
    VALUES (tenant_id, sync_metadata.own_cluster()) ON CONFLICT DO NOTHING;
  IF to_regnamespace(quote_ident(schema_name)) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE SCHEMA %I', schema_name);
  PERFORM sync_metadata.grant_tenant_schema(tenant_id);
  -- What vanished from the source, whole. Nobody but fleet_owner reads or writes it.
  EXECUTE format(
    'CREATE TABLE %I._replica_tombstones (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      source text NOT NULL,
      reason text NOT NULL CHECK (reason IN (''row'', ''column'', ''table'')),
      content json COMPRESSION lz4 NOT NULL,
      retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )',
    schema_name
  );
  PERFORM sync_metadata.make_removed(schema_name);
END
$$;

-- Collects row digests, 32 bytes each, one behind the other, for retire_rows in the same transaction.
CREATE FUNCTION sync_metadata.collect_removed(tenant_id text, digests bytea) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'INSERT INTO %I._replica_removed (digest)
     SELECT substring($1 FROM 32 * n + 1 FOR 32) FROM generate_series(0, octet_length($1) / 32 - 1) AS n',
    sync_metadata.tenant_schema(tenant_id)
  ) USING digests;
END
$$;

-- Takes the rows out of a table whose digests this transaction collected, one row for each entry, and clears the
-- collection. Called behind the insertion of new versions: a row whose key is still there was superseded, any other
-- vanished and becomes a tombstone.
-- asked  entries that were collected; when fewer were retired, rows are not there that should have been
DROP FUNCTION sync_metadata.retire_rows(text, text, bytea[], bigint[]);
CREATE FUNCTION sync_metadata.retire_rows(
  tenant_id text, source text, OUT asked bigint, OUT retired bigint, OUT tombstoned bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- The planner knows nothing yet of rows that this transaction wrote, and would compare each with each.
SET enable_nestloop = off
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known sync_metadata.replica_tables;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  SELECT * INTO STRICT known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source;
  -- Which of several equal rows goes makes no difference. Every part sees the table as it was before the deletion.
  EXECUTE format(
    'WITH wanted AS MATERIALIZED (
       SELECT digest, count(*) AS n FROM %1$I._replica_removed WHERE xact = pg_current_xact_id() GROUP BY digest
     ), doomed AS MATERIALIZED (
       SELECT row_id, row_key FROM (
         SELECT t.ctid AS row_id, %3$s AS row_key, w.n, row_number() OVER (PARTITION BY w.digest) AS nth
         FROM %1$I.%2$I AS t JOIN wanted AS w ON w.digest = t._replica_digest
       ) AS r WHERE nth <= n
     ), superseded AS MATERIALIZED (
       SELECT s.row_key FROM (SELECT t.ctid AS row_id, %3$s AS row_key FROM %1$I.%2$I AS t) AS s
       WHERE s.row_key IN (SELECT d.row_key FROM doomed AS d)
         AND NOT EXISTS (SELECT FROM doomed AS d WHERE d.row_id = s.row_id)
     ), gone AS (
       DELETE FROM %1$I.%2$I AS t WHERE t.ctid = ANY (ARRAY(SELECT row_id FROM doomed)) RETURNING t.*
     ), kept AS (
       INSERT INTO %1$I._replica_tombstones (source, reason, content)
       SELECT %4$L, ''row'', to_json(_replica_row) FROM (
         SELECT %5$s FROM gone AS t WHERE NOT EXISTS (SELECT FROM superseded AS s WHERE s.row_key = %3$s)
       ) AS _replica_row
       RETURNING 1
     )
     SELECT (SELECT coalesce(sum(n), 0) FROM wanted), (SELECT count(*) FROM gone), (SELECT count(*) FROM kept)',
    schema_name, source,
    -- Without a key nothing is ever superseded, and null equals nothing.
    coalesce(sync_metadata.key_expression(known.key, 't'), 'NULL::text'),
    source, sync_metadata.tombstone_columns(known.columns)
  ) INTO asked, retired, tombstoned;
  EXECUTE format('TRUNCATE %I._replica_removed', schema_name);
END
$$;

-- Makes the replica table hold exactly the rows of pg_temp.stage, as multisets of digests: first what is missing is
-- inserted, then what is too much retires.
CREATE OR REPLACE FUNCTION sync_metadata.merge_stage(
  tenant_id text, source text, OUT inserted bigint, OUT retired bigint, OUT tombstoned bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
-- Nothing is known of a stage that was just filled; only a hash join is never far off.
SET enable_nestloop = off
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  surplus bigint;
BEGIN
  -- Aliases bear the reserved prefix, so that none of the source's columns has the same name.
  EXECUTE format(
    'INSERT INTO %1$I.%2$I (%3$s) SELECT %3$s
     FROM (SELECT *, row_number() OVER (PARTITION BY _replica_digest) AS _replica_nth FROM pg_temp.stage) AS s
     LEFT JOIN (SELECT _replica_digest AS _replica_held, count(*) AS _replica_n FROM %1$I.%2$I GROUP BY 1) AS r
       ON _replica_held = _replica_digest
     WHERE _replica_nth > coalesce(_replica_n, 0)',
    schema_name, source,
    (
      SELECT sync_metadata.filled_columns(t.columns) FROM sync_metadata.replica_tables AS t
      WHERE t.tenant = tenant_id AND t.name = source
    )
  );
  GET DIAGNOSTICS inserted = ROW_COUNT;
  EXECUTE format(
    'INSERT INTO %1$I._replica_removed (digest) SELECT r.digest
     FROM (SELECT _replica_digest AS digest, count(*) AS n FROM %1$I.%2$I GROUP BY 1) AS r
     LEFT JOIN (SELECT _replica_digest AS digest, count(*) AS n FROM pg_temp.stage GROUP BY 1) AS s USING (digest)
     CROSS JOIN generate_series(1, r.n - coalesce(s.n, 0))',
    schema_name, source
  );
  GET DIAGNOSTICS surplus = ROW_COUNT;
  IF surplus > 0 THEN
    SELECT w.retired, w.tombstoned INTO retired, tombstoned FROM sync_metadata.retire_rows(tenant_id, source) AS w;
  ELSE
    retired := 0;
    tombstoned := 0;
  END IF;
END
$$;

-- A table's rows, their sum, and how many of them hold a value that Postgres cannot hold in its column.
DROP FUNCTION sync_metadata.measure_table(text, text);
CREATE FUNCTION sync_metadata.measure_table(
  tenant_id text, source text, OUT rows bigint, OUT sum text, OUT odd_rows bigint
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- OFFSET 0 keeps the planner from converting each digest four times.
  EXECUTE format(
    'SELECT count(*), concat(
       sync_metadata.lane_hex(coalesce(sum(substring(d from 1 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 65 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 129 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 193 for 64)::bit(64)::bigint), 0))), sum(odd)
     FROM (
       SELECT (''x'' || encode(_replica_digest, ''hex''))::bit(256) AS d, (_replica_odd IS NOT NULL)::integer AS odd
       FROM %I.%I OFFSET 0
     ) AS t',
    sync_metadata.tenant_schema(tenant_id), source
  ) INTO rows, sum, odd_rows;
  odd_rows := coalesce(odd_rows, 0);
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.collect_removed(text, bytea), sync_metadata.retire_rows(text, text),
  sync_metadata.measure_table(text, text) TO sync_service;

-- As it was, but what was collected is deleted, not truncated: TRUNCATE waits for whoever merely reads the table, and a
-- dump of the database reads every table until its end.

CREATE OR REPLACE FUNCTION sync_metadata.retire_rows(
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
  EXECUTE format('DELETE FROM %I._replica_removed', schema_name);
END
$$;

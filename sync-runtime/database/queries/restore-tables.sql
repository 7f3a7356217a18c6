-- A replica's tables with the statement that reads each of them: names are quoted by Postgres and nowhere else.
-- $1 tenant text
-- No row: the replica has no tables.
SELECT t.name, t.columns, t.ddl, t.rows, t.sum,
  format(
    'COPY (SELECT %s FROM %I.%I) TO STDOUT (FORMAT binary)',
    sync_metadata.filled_columns(t.columns), sync_metadata.tenant_schema(t.tenant), t.name
  ) AS copy
FROM sync_metadata.replica_tables AS t
WHERE t.tenant = $1
ORDER BY t.name

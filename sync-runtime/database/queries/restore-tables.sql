-- A replica's tables with the statement that reads each of them as it was last verified: names are quoted by Postgres and
-- nowhere else.
-- $1 tenant text
-- No row: the replica has no tables.
SELECT t.name, t.columns, t.ddl, t.rows, t.sum,
  format('COPY (%s) TO STDOUT (FORMAT binary)', sync_metadata.verified_rows(t.tenant, t.name)) AS copy
FROM sync_metadata.replica_tables AS t
WHERE t.tenant = $1
ORDER BY t.name

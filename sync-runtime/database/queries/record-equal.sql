-- Notes that a replica was found equal to its source, and what it holds.
-- $1 tenant text · $2 identity uuid · $3 sync uuid · $4 tables json, [{"name", "rows", "sum", "unrepresentable"}]
-- $5 source jsonb, {"objects", "pragmas"}; null leaves what is known
WITH replica AS (
  UPDATE sync_metadata.replicas AS r
  SET identity = $2, committed_sync = $3, verified_at = clock_timestamp(), equal = true,
    source = coalesce($5, r.source)
  WHERE r.tenant = $1
)
UPDATE sync_metadata.replica_tables AS t SET rows = m.rows, sum = m.sum, odd_rows = m.unrepresentable
FROM json_to_recordset($4) AS m (name text, rows bigint, sum text, unrepresentable bigint)
WHERE t.tenant = $1 AND t.name = m.name
  AND (t.rows, t.sum, t.odd_rows) IS DISTINCT FROM (m.rows, m.sum, m.unrepresentable)

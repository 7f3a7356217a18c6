-- What is known of a replica from which a file is to be rebuilt.
-- $1 tenant text
-- No row: the tenant has no replica.
SELECT r.identity, to_char(r.verified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS verified_at,
  (SELECT coalesce(sum(t.rows), 0) FROM sync_metadata.replica_tables AS t WHERE t.tenant = r.tenant) AS rows,
  r.held_reason AS held, r.source
FROM sync_metadata.replicas AS r
WHERE r.tenant = $1

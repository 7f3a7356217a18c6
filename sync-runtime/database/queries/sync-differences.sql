-- What a deep verification found, row by row; some hundreds at most.
-- $1 job bigint
-- No row: nothing differed, or there is no such job in the cluster.
SELECT d.source AS "table", d.key, d.what, d.found_at FROM sync_metadata.replica_differences AS d
WHERE d.job = $1
ORDER BY d.id

-- What a deep verification found, row by row; some hundreds at most.
-- $1 job bigint · $2 continue behind this id, null from the first · $3 how many at most
-- No row: nothing differed, or there is no such job in the cluster.
SELECT d.id, d.source AS "table", d.key, d.what, d.found_at FROM sync_metadata.replica_differences AS d
WHERE d.job = $1 AND ($2::bigint IS NULL OR d.id > $2)
ORDER BY d.id
LIMIT $3

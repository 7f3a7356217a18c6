-- Writes what is declared for a whole cluster.
-- $1 cluster text · $2 settings json, {"verify", "tombstones"}, both in seconds
-- Returns one row if it was not so before: id (the cluster), change (added | updated).
INSERT INTO sync_metadata.cluster_settings AS s (cluster, verify_interval, tombstone_retention)
SELECT $1, make_interval(secs => d.verify), make_interval(secs => d.tombstones)
FROM json_to_record($2) AS d (verify integer, tombstones integer)
ON CONFLICT (cluster) DO UPDATE
SET verify_interval = excluded.verify_interval, tombstone_retention = excluded.tombstone_retention
WHERE (s.verify_interval, s.tombstone_retention) <> (excluded.verify_interval, excluded.tombstone_retention)
RETURNING s.cluster AS id, CASE WHEN s.xmax = 0 THEN 'added' ELSE 'updated' END AS change

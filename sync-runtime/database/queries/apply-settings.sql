-- Writes what is declared for a whole cluster.
-- $1 cluster text · $2 settings json, {"verify", "tombstones" (both in seconds), "quarantine" (failures in a row)}
-- Returns one row if it was not so before: id (the cluster), change (added | updated).
INSERT INTO sync_metadata.cluster_settings AS s (cluster, verify_interval, tombstone_retention, quarantine_after)
SELECT $1, make_interval(secs => d.verify), make_interval(secs => d.tombstones), d.quarantine
FROM json_to_record($2) AS d (verify integer, tombstones integer, quarantine integer)
ON CONFLICT (cluster) DO UPDATE
SET verify_interval = excluded.verify_interval, tombstone_retention = excluded.tombstone_retention,
  quarantine_after = excluded.quarantine_after
WHERE (s.verify_interval, s.tombstone_retention, s.quarantine_after)
  <> (excluded.verify_interval, excluded.tombstone_retention, excluded.quarantine_after)
RETURNING s.cluster AS id, CASE WHEN s.xmax = 0 THEN 'added' ELSE 'updated' END AS change

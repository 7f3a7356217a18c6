-- Makes exactly the given roles speak for one cluster.
-- $1 cluster text · $2 roles text[]
-- Returns one row per role that is not as before: id, change (added | updated | removed).
WITH written AS (
  INSERT INTO sync_metadata.cluster_logins AS l (login, cluster)
  SELECT r, $1 FROM unnest($2::name[]) AS r
  ON CONFLICT (login) DO UPDATE SET cluster = excluded.cluster WHERE l.cluster <> excluded.cluster
  RETURNING l.login AS id, CASE WHEN l.xmax = 0 THEN 'added' ELSE 'updated' END AS change
),
removed AS (
  DELETE FROM sync_metadata.cluster_logins AS l
  WHERE l.cluster = $1 AND l.login <> ALL ($2::name[])
  RETURNING l.login AS id, 'removed' AS change
)
SELECT id, change FROM written
UNION ALL
SELECT id, change FROM removed
ORDER BY id

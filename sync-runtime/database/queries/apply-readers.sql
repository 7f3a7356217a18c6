-- Writes the declared readers of one cluster and removes the others.
-- $1 cluster text · $2 readers json, [{"role", "tenants" (null: all), "columns": [{"table", "column"}]}]
-- Returns one row per reader that is not as before: id, change (added | updated | removed).
WITH declared AS (
  SELECT r.role AS login,
    CASE WHEN json_typeof(r.tenants) = 'array' THEN ARRAY(SELECT json_array_elements_text(r.tenants)) END AS tenants,
    r.columns
  FROM json_to_recordset($2) AS r (role name, tenants json, columns jsonb)
),
written AS (
  INSERT INTO sync_metadata.readers AS r (login, cluster, tenants, columns)
  SELECT d.login, $1, d.tenants, d.columns FROM declared AS d
  ON CONFLICT (login) DO UPDATE
  SET cluster = excluded.cluster, tenants = excluded.tenants, columns = excluded.columns
  WHERE (r.cluster, r.tenants, r.columns) IS DISTINCT FROM (excluded.cluster, excluded.tenants, excluded.columns)
  RETURNING r.login AS id, CASE WHEN r.xmax = 0 THEN 'added' ELSE 'updated' END AS change
),
removed AS (
  DELETE FROM sync_metadata.readers AS r WHERE r.cluster = $1 AND r.login NOT IN (SELECT d.login FROM declared AS d)
  RETURNING r.login AS id, 'removed' AS change
)
SELECT id, change FROM written
UNION ALL
SELECT id, change FROM removed
ORDER BY id

-- What is known about every replica of the cluster, for its metrics.
-- No row: none has been made.
SELECT r.tenant, extract(epoch FROM r.verified_at)::double precision AS verified,
  extract(epoch FROM r.deep_verified_at)::double precision AS deep_verified,
  r.held_id IS NOT NULL AS held, r.differences,
  coalesce(
    (
      SELECT json_agg(json_build_object('table', t.name, 'rows', t.rows, 'odd', t.odd_rows))
      FROM sync_metadata.replica_tables AS t WHERE t.tenant = r.tenant AND t.sum IS NOT NULL
    ),
    '[]'
  ) AS tables
FROM sync_metadata.replicas AS r JOIN sync_metadata.client_deployments AS d ON d.id = r.tenant
WHERE d.state NOT IN ('retired', 'erased')
ORDER BY r.tenant

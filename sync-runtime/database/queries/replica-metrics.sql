-- What is known about every tenant of the cluster and its replica, for its metrics.
-- users: rows of Open WebUI's table of its users; null while the replica has none. unrepresentable: only tables that have such rows.
-- interval: seconds between two syncs; null while the tenant is not synced by itself, which is no quarantine either. No row: the cluster has no tenants.
SELECT d.id AS tenant, d.host, d.licence,
  CASE WHEN d.state IN ('provisioning', 'active') THEN extract(epoch FROM d.sync_interval)::double precision END AS interval,
  extract(epoch FROM r.verified_at)::double precision AS verified,
  extract(epoch FROM r.deep_verified_at)::double precision AS deep_verified,
  r.held_id IS NOT NULL AS held, c.quarantined_at IS NOT NULL AND d.state IN ('provisioning', 'active') AS quarantined, coalesce(r.differences, 0) AS differences,
  coalesce(r.decided, 0) AS decided,
  CASE WHEN d.direction = 'both' THEN r.write_refused_code IS NOT NULL END AS write_refused,
  (SELECT count(*) FROM sync_metadata.conflict_log AS l WHERE l.tenant = d.id AND l.winner = 'pending') AS waiting,
  (SELECT t.rows FROM sync_metadata.replica_tables AS t WHERE t.tenant = d.id AND t.name = 'user' AND t.sum IS NOT NULL) AS users,
  coalesce(
    (
      SELECT json_agg(json_build_object('table', t.name, 'rows', t.odd_rows))
      FROM sync_metadata.replica_tables AS t WHERE t.tenant = d.id AND t.sum IS NOT NULL AND t.odd_rows > 0
    ),
    '[]'
  ) AS unrepresentable
FROM sync_metadata.client_deployments AS d LEFT JOIN sync_metadata.replicas AS r ON r.tenant = d.id
LEFT JOIN sync_metadata.tenant_claims AS c ON c.tenant = d.id
WHERE d.state NOT IN ('retired', 'erased')
ORDER BY d.id

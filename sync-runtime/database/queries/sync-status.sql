-- Every tenant of the cluster with its last finished sync and its replica.
-- No row: the cluster has no tenants.
SELECT d.id, d.host, extract(epoch FROM d.sync_interval)::integer AS interval, d.state = 'paused' AS paused,
  last.status, last.finished_at, last.error, r.verified_at, coalesce(r.equal, false) AS equal,
  count(t.name)::integer AS tables, coalesce(sum(t.rows), 0)::bigint AS rows
FROM sync_metadata.client_deployments AS d
LEFT JOIN sync_metadata.replicas AS r ON r.tenant = d.id
LEFT JOIN sync_metadata.replica_tables AS t ON t.tenant = d.id AND t.sum IS NOT NULL
LEFT JOIN LATERAL (
  SELECT j.status, j.finished_at, j.error FROM sync_metadata.sync_jobs AS j
  WHERE j.tenant = d.id AND j.finished_at IS NOT NULL ORDER BY j.id DESC LIMIT 1
) AS last ON true
WHERE d.state <> 'retired'
GROUP BY d.id, r.tenant, last.status, last.finished_at, last.error
ORDER BY d.id

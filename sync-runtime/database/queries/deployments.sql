-- Tenants with the state they are in and the move that led there.
-- $1 tenant text, null for all of the cluster
-- No row: the cluster has no such tenant.
SELECT d.id AS client, d.host, d.url, extract(epoch FROM d.sync_interval)::integer AS interval, d.state AS status,
  d.declared_paused, d.live_database, r.verified_at IS NOT NULL AS verified, t.at AS since, t.actor AS by, t.reason
FROM sync_metadata.client_deployments AS d JOIN sync_metadata.transitions AS t ON t.id = d.transition
LEFT JOIN sync_metadata.replicas AS r ON r.tenant = d.id
WHERE $1::text IS NULL OR d.id = $1
ORDER BY d.id

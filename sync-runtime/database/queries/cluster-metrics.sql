-- What is known about the cluster as a whole, for its metrics. Always one row.
-- queue_oldest: seconds that the oldest job has waited beyond its time although its tenant is free, 0 when none does.
-- hosts: ids of those that have tenants, whose agents nodes ask.
-- cluster, epoch: of the lease, whoever holds it; null before the first.
SELECT coalesce(
  (
    SELECT extract(epoch FROM clock_timestamp() - min(j.due_at)) FROM sync_metadata.sync_jobs AS j
    JOIN sync_metadata.client_deployments AS d ON d.id = j.tenant
    WHERE j.status = 'queued' AND j.due_at <= clock_timestamp() AND d.live_database IS NULL
      AND (d.state IN ('provisioning', 'active') OR (d.state IN ('paused', 'migrating') AND j.reason = 'manual'))
      AND NOT EXISTS (SELECT FROM sync_metadata.sync_jobs AS r WHERE r.tenant = j.tenant AND r.status = 'running')
  ),
  0
)::double precision AS queue_oldest,
ARRAY(
  SELECT DISTINCT d.host FROM sync_metadata.client_deployments AS d WHERE d.state NOT IN ('retired', 'erased')
) AS hosts,
l.cluster, l.epoch::double precision AS epoch
FROM (VALUES (true)) AS always LEFT JOIN sync_metadata.leader_election AS l ON true

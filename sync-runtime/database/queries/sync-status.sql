-- The cluster's tenants by their ids, each with the sync that runs, the one that ended last, and its replica.
-- $1 tenant text, null for all of them · $2 how many at most · $3 continue behind this tenant, null from the first
-- No row: the cluster has no such tenant.
SELECT d.id, d.host, extract(epoch FROM d.sync_interval)::integer AS interval, d.state = 'paused' AS paused,
  c.quarantined_at, coalesce(c.failures, 0) AS failures,
  d.state, moved.at AS state_since, moved.actor AS state_by, moved.reason AS state_reason,
  last.status, last.finished_at, last.error, last.progress,
  running.id AS running_id, running.kind AS running_kind, running.started_at AS running_since,
  running.progress AS running_progress,
  r.verified_at, coalesce(r.equal, false) AS equal, coalesce(r.decided, 0) AS decided,
  d.direction, d.live_database, r.write_refused_code, r.write_refused, r.write_refused_at, r.deep_verified_at,
  r.held_id, r.held_reason, r.held_detail, r.held_at, r.held_accepted_at IS NOT NULL AS held_accepted,
  coalesce(r.tables, 0) AS tables, coalesce(r.rows, 0) AS rows
FROM sync_metadata.client_deployments AS d
LEFT JOIN sync_metadata.tenant_claims AS c ON c.tenant = d.id
LEFT JOIN sync_metadata.transitions AS moved ON moved.id = d.transition
LEFT JOIN sync_metadata.replicas AS r ON r.tenant = d.id
LEFT JOIN LATERAL (
  SELECT j.status, j.finished_at, j.error, j.progress FROM sync_metadata.sync_jobs AS j
  WHERE j.tenant = d.id AND j.finished_at IS NOT NULL ORDER BY j.id DESC LIMIT 1
) AS last ON true
LEFT JOIN sync_metadata.sync_jobs AS running ON running.tenant = d.id AND running.status = 'running'
WHERE d.state NOT IN ('retired', 'erased') AND ($1::text IS NULL OR d.id = $1) AND ($3::text IS NULL OR d.id > $3)
ORDER BY d.id
LIMIT $2

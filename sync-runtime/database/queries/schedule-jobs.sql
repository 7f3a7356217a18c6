-- Queues a sync for every tenant (provisioning or active) whose interval has passed, or a deep verification where that is
-- due. The lease is locked and checked in this statement: nobody else can take it before this commits.
-- $1 cluster text · $2 run uuid · $3 lease epoch bigint
-- Returns the tenants queued; one row with null when nothing is due. No row: the epoch is stale, nothing was done.
WITH lease AS MATERIALIZED (
  SELECT l.cluster FROM sync_metadata.leader_election AS l
  WHERE l.cluster = $1 AND l.holder = $2 AND l.epoch = $3 AND l.expires_at > clock_timestamp()
  FOR SHARE
),
queued AS (
  INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, kind, due_at)
  SELECT d.cluster, d.id, CASE WHEN v.due THEN 'verify' ELSE 'interval' END, CASE WHEN v.due THEN 'verify' ELSE 'sync' END,
    clock_timestamp()
  FROM lease JOIN sync_metadata.client_deployments AS d ON d.cluster = lease.cluster
  LEFT JOIN LATERAL (
    SELECT j.id, j.status, j.started_at FROM sync_metadata.sync_jobs AS j
    WHERE j.tenant = d.id ORDER BY j.id DESC LIMIT 1
  ) AS last ON true
  -- The first verification comes up to nine tenths early, by the tenant's name, so that tenants declared together do not
  -- come together. A held replica is verified when it is held no more.
  CROSS JOIN LATERAL (
    SELECT EXISTS (
      SELECT FROM sync_metadata.replicas AS r JOIN sync_metadata.cluster_settings AS s ON s.cluster = d.cluster
      WHERE r.tenant = d.id AND r.held_id IS NULL
        AND coalesce(
          r.deep_verified_at,
          r.made_at - s.verify_interval * ((hashtext(d.id) & 1023) / 1137.0)
        ) + s.verify_interval <= clock_timestamp()
    ) AS due
  ) AS v
  WHERE d.state IN ('provisioning', 'active') AND d.live_database IS NULL
    AND (last.id IS NULL OR last.status NOT IN ('queued', 'running'))
    AND (
      v.due OR last.id IS NULL
      -- Up to a tenth early, another tenth each time, so that tenants declared together do not stay in step.
      OR last.started_at + d.sync_interval * (1 - (hashint8(last.id) & 1023) / 10240.0) <= clock_timestamp()
    )
  ON CONFLICT DO NOTHING
  RETURNING tenant
)
SELECT queued.tenant FROM lease LEFT JOIN queued ON true

-- Queues a deep verification of one tenant now; a sync that waits for its time becomes one.
-- Whoever asks ends the tenant's quarantine: its failures are counted from here.
-- $1 tenant text
-- Returns the job. No row: the cluster has no such tenant, it is retired, or its live database is no SQLite file.
WITH asked AS (
  UPDATE sync_metadata.tenant_claims AS c SET failures = 0, quarantined_at = NULL
  WHERE c.tenant = $1 AND c.failures > 0
)
INSERT INTO sync_metadata.sync_jobs AS j (cluster, tenant, reason, kind, due_at)
SELECT d.cluster, d.id, 'manual', 'verify', clock_timestamp() FROM sync_metadata.client_deployments AS d
WHERE d.id = $1 AND d.state NOT IN ('retired', 'erased') AND d.live_database IS NULL
ON CONFLICT (tenant) WHERE status = 'queued'
DO UPDATE SET reason = 'manual', kind = 'verify', due_at = clock_timestamp()
RETURNING j.id

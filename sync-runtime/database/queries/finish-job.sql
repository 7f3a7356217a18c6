-- Ends a job well, and the tenant's quarantine with it.
-- $1 job bigint · $2 claim epoch bigint · $3 status (success | unchanged) · $4 rows bigint · $5 bytes bigint
-- No row: the job was taken over.
WITH ended AS (
  UPDATE sync_metadata.sync_jobs AS j
  SET status = $3, finished_at = clock_timestamp(), rows = $4, bytes = $5
  WHERE j.id = $1 AND j.claim_epoch = $2 AND j.status = 'running'
  RETURNING j.id, j.tenant
),
healed AS (
  UPDATE sync_metadata.tenant_claims AS c SET failures = 0, quarantined_at = NULL
  FROM ended WHERE c.tenant = ended.tenant AND c.failures > 0
)
SELECT ended.id FROM ended

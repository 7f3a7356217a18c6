-- Ends a job well over a replica that was found equal to its source, and the tenant's quarantine with it; runs that found
-- nothing new become one row of the history. The claim is locked until the transaction ends, so that what the sync wrote is
-- committed before anybody else claims.
-- $1 tenant text · $2 run uuid · $3 claim epoch bigint · $4 job bigint · $5 status (success | unchanged) · $6 rows bigint
-- $7 bytes bigint · $8 identity uuid · $9 sync uuid · $10 tables json, [{"name", "rows", "sum", "unrepresentable"}]
-- $11 source jsonb, {"objects", "pragmas"}; null leaves what is known
-- No row: the claim is no longer held, nothing is recorded; the transaction must roll back.
WITH claim AS MATERIALIZED (
  SELECT c.tenant, c.epoch FROM sync_metadata.tenant_claims AS c
  WHERE c.tenant = $1 AND c.run = $2 AND c.epoch = $3
  FOR UPDATE
),
ended AS (
  UPDATE sync_metadata.sync_jobs AS j
  SET status = $5, finished_at = clock_timestamp(), rows = $6, bytes = $7
  FROM claim
  WHERE j.id = $4 AND j.tenant = claim.tenant AND j.claim_epoch = claim.epoch AND j.status = 'running'
  RETURNING j.id, j.tenant
),
healed AS (
  UPDATE sync_metadata.tenant_claims AS c SET failures = 0, quarantined_at = NULL
  FROM ended WHERE c.tenant = ended.tenant AND c.failures > 0
),
replica AS (
  UPDATE sync_metadata.replicas AS r
  SET identity = $8, committed_sync = $9, verified_at = clock_timestamp(), equal = true, source = coalesce($11, r.source)
  FROM ended WHERE r.tenant = ended.tenant
),
measured AS (
  UPDATE sync_metadata.replica_tables AS t SET rows = m.rows, sum = m.sum, odd_rows = m.unrepresentable
  FROM ended, json_to_recordset($10) AS m (name text, rows bigint, sum text, unrepresentable bigint)
  WHERE t.tenant = ended.tenant AND t.name = m.name
    AND (t.rows, t.sum, t.odd_rows) IS DISTINCT FROM (m.rows, m.sum, m.unrepresentable)
)
-- The function sees the job as it has just been ended.
SELECT ended.id, sync_metadata.fold_job(ended.id) FROM ended

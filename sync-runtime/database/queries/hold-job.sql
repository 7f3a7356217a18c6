-- Ends a job because what came is suspicious, and holds the replica. No retry: the next sync comes at its interval.
-- $1 job bigint · $2 claim epoch bigint · $3 hold uuid · $4 reason text · $5 detail jsonb · $6 offered sync uuid or null
-- $7 error text
-- No row: the job was taken over, nothing is changed.
WITH held AS (
  UPDATE sync_metadata.sync_jobs AS j
  SET status = 'held', finished_at = clock_timestamp(), error_code = $4, error = $7
  WHERE j.id = $1 AND j.claim_epoch = $2 AND j.status = 'running'
  RETURNING j.id, j.tenant
)
SELECT held.id, sync_metadata.hold_replica(held.tenant, $2, $3, $4, $5, $6) FROM held

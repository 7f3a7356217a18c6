-- Notes that every row of a replica was read back, and what was found and repaired.
-- $1 tenant text · $2 job bigint · $3 claim epoch bigint · $4 rows that differed bigint
-- $5 jsonb, [{"table", "altered", "missing", "extra", "digest"}] of the tables that did
WITH job AS (
  UPDATE sync_metadata.sync_jobs AS j SET differences = $4, differing = $5
  WHERE j.id = $2 AND j.claim_epoch = $3 AND j.status = 'running'
)
UPDATE sync_metadata.replicas AS r SET deep_verified_at = clock_timestamp(), differences = r.differences + $4
WHERE r.tenant = $1

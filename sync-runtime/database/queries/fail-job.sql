-- Ends a job badly and queues its retry, unless another job of the tenant waits already.
-- $1 job bigint · $2 claim epoch bigint · $3 code text · $4 error text · $5 seconds until the retry
-- No row: the job was taken over, nothing is changed.
WITH failed AS (
  UPDATE sync_metadata.sync_jobs AS j
  SET status = 'failed', finished_at = clock_timestamp(), error_code = $3, error = $4
  WHERE j.id = $1 AND j.claim_epoch = $2 AND j.status = 'running'
  RETURNING j.id, j.cluster, j.tenant, j.attempt, j.kind
),
retry AS (
  INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, kind, attempt, due_at)
  SELECT f.cluster, f.tenant, 'retry', f.kind, f.attempt + 1, clock_timestamp() + make_interval(secs => $5)
  FROM failed AS f
  ON CONFLICT (tenant) WHERE status = 'queued' DO NOTHING
)
SELECT f.id FROM failed AS f

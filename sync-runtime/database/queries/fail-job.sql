-- Ends a job badly and queues its retry, unless another job of the tenant waits already. One that somebody cancelled ends
-- as cancelled, with no retry.
-- $1 job bigint · $2 claim epoch bigint · $3 code text · $4 error text · $5 seconds until the retry
-- Returns how it ended: status (failed | cancelled). No row: the job was taken over, nothing is changed.
WITH failed AS (
  UPDATE sync_metadata.sync_jobs AS j
  SET status = CASE WHEN j.cancel_asked_by IS NULL THEN 'failed' ELSE 'cancelled' END, finished_at = clock_timestamp(),
    error_code = CASE WHEN j.cancel_asked_by IS NULL THEN $3 ELSE 'cancelled' END,
    error = CASE WHEN j.cancel_asked_by IS NULL THEN $4 ELSE sync_metadata.cancel_text(j.cancel_asked_by) END
  WHERE j.id = $1 AND j.claim_epoch = $2 AND j.status = 'running'
  RETURNING j.id, j.cluster, j.tenant, j.attempt, j.kind, j.status
),
retry AS (
  INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, kind, attempt, due_at)
  SELECT f.cluster, f.tenant, 'retry', f.kind, f.attempt + 1, clock_timestamp() + make_interval(secs => $5)
  FROM failed AS f
  WHERE f.status = 'failed'
  ON CONFLICT (tenant) WHERE status = 'queued' DO NOTHING
)
SELECT f.status FROM failed AS f

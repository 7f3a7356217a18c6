-- Ends a job badly and queues its retry, unless another job of the tenant waits already. One that somebody cancelled ends
-- as cancelled, with no retry. After so many failures in a row the tenant is in quarantine: the retry comes an interval later,
-- an hour at least, and up to a tenth more, so that tenants that failed together part.
-- $1 job bigint · $2 claim epoch bigint · $3 code text · $4 error text · $5 seconds until the retry
-- $6 whether it counts as the tenant's failure boolean
-- Returns how it ended: status (failed | cancelled), quarantined. No row: the job was taken over, nothing is changed.
WITH failed AS (
  UPDATE sync_metadata.sync_jobs AS j
  SET status = CASE WHEN j.cancel_asked_by IS NULL THEN 'failed' ELSE 'cancelled' END, finished_at = clock_timestamp(),
    error_code = CASE WHEN j.cancel_asked_by IS NULL THEN $3 ELSE 'cancelled' END,
    error = CASE WHEN j.cancel_asked_by IS NULL THEN $4 ELSE sync_metadata.cancel_text(j.cancel_asked_by) END
  WHERE j.id = $1 AND j.claim_epoch = $2 AND j.status = 'running'
  RETURNING j.id, j.cluster, j.tenant, j.attempt, j.kind, j.status
),
counted AS (
  UPDATE sync_metadata.tenant_claims AS c
  SET failures = c.failures + 1,
    quarantined_at = CASE WHEN c.failures + 1 >= s.quarantine_after THEN coalesce(c.quarantined_at, clock_timestamp()) END
  FROM failed AS f JOIN sync_metadata.cluster_settings AS s ON s.cluster = f.cluster
  WHERE c.tenant = f.tenant AND f.status = 'failed' AND $6
  RETURNING c.tenant, c.quarantined_at IS NOT NULL AS quarantined
),
retry AS (
  INSERT INTO sync_metadata.sync_jobs (cluster, tenant, reason, kind, attempt, due_at)
  SELECT f.cluster, f.tenant, 'retry', f.kind, f.attempt + 1, clock_timestamp() + CASE
      WHEN c.quarantined
        THEN greatest(d.sync_interval, interval '1 hour') * (1 + (hashint8(f.id) & 1023) / 10240.0)
      ELSE make_interval(secs => $5)
    END
  FROM failed AS f JOIN sync_metadata.client_deployments AS d ON d.id = f.tenant
  LEFT JOIN counted AS c ON c.tenant = f.tenant
  WHERE f.status = 'failed'
  ON CONFLICT (tenant) WHERE status = 'queued' DO NOTHING
)
SELECT f.status, coalesce(c.quarantined, false) AS quarantined FROM failed AS f LEFT JOIN counted AS c ON true

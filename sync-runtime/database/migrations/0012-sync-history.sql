-- The queue as a history that stays: what ran, how far it came, how it ended; final once it has ended; short where
-- nothing happened; and pruned by nobody but a function that knows how long it is kept.

ALTER TABLE sync_metadata.sync_jobs
  -- sync: what changed. verify: every row, and Postgres computes each digest anew.
  ADD COLUMN kind text NOT NULL DEFAULT 'sync' CHECK (kind IN ('sync', 'verify')),
  -- How far it came: {"tables": [{"table", "rows", "rows_total", "bytes", "bytes_total"}]}, rows exact, bytes about.
  -- Null where nothing was sent.
  ADD COLUMN progress jsonb,
  -- How many runs in a row this one stands for, and when the first of them began (null: this one).
  ADD COLUMN runs integer NOT NULL DEFAULT 1,
  ADD COLUMN first_started_at timestamptz,
  -- Rows that a deep verification found to differ, all of them counted.
  ADD COLUMN differences bigint NOT NULL DEFAULT 0,
  DROP CONSTRAINT sync_jobs_reason_check,
  ADD CONSTRAINT sync_jobs_reason_check CHECK (reason IN ('interval', 'manual', 'retry', 'verify')),
  DROP CONSTRAINT sync_jobs_status_check,
  ADD CONSTRAINT sync_jobs_status_check
    CHECK (status IN ('queued', 'running', 'success', 'unchanged', 'failed', 'held'));

-- What ended is final: a login changes only what has not ended.
DROP POLICY own_cluster ON sync_metadata.sync_jobs;
CREATE POLICY own_cluster ON sync_metadata.sync_jobs FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster_queues ON sync_metadata.sync_jobs FOR INSERT TO sync_service
  WITH CHECK (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster_works ON sync_metadata.sync_jobs FOR UPDATE TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()) AND finished_at IS NULL)
  WITH CHECK (cluster = (SELECT sync_metadata.own_cluster()));

-- Folds a job into one row with the tenant's job before it, where both were scheduled and ended alike with nothing
-- new: a tenant that is synced every minute and rarely written to then takes a row a change, not a row a minute.
CREATE FUNCTION sync_metadata.fold_job(job_id bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH job AS (
    SELECT j.id, j.tenant, j.status, j.error FROM sync_metadata.sync_jobs AS j
    WHERE j.id = job_id AND j.cluster = sync_metadata.own_cluster() AND j.kind = 'sync' AND j.reason = 'interval'
      AND j.status IN ('unchanged', 'held')
  ),
  before AS (
    DELETE FROM sync_metadata.sync_jobs AS p USING job
    WHERE p.id = (SELECT max(b.id) FROM sync_metadata.sync_jobs AS b WHERE b.tenant = job.tenant AND b.id < job.id)
      AND p.kind = 'sync' AND p.reason = 'interval' AND p.status = job.status
      AND p.error IS NOT DISTINCT FROM job.error
    RETURNING p.runs, coalesce(p.first_started_at, p.started_at) AS first_started_at
  )
  UPDATE sync_metadata.sync_jobs AS j SET runs = j.runs + before.runs, first_started_at = before.first_started_at
  FROM before WHERE j.id = job_id
$$;

-- Whether the run leads the connected role's cluster under the epoch; locks the lease, so that nobody else begins to
-- lead before the caller's transaction ends.
CREATE FUNCTION sync_metadata.leads(run uuid, lease_epoch bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM FROM sync_metadata.leader_election AS l
    WHERE l.cluster = sync_metadata.own_cluster() AND l.holder = run AND l.epoch = lease_epoch
      AND l.expires_at > clock_timestamp()
    FOR SHARE;
  RETURN FOUND;
END
$$;

-- Removes up to a thousand jobs that ended more than 30 days ago; each tenant's last hundred stay, and its last that
-- succeeded. Returns how many went; null to whoever does not lead.
CREATE FUNCTION sync_metadata.prune_history(run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  DELETE FROM sync_metadata.sync_jobs AS j
  WHERE j.id IN (
    SELECT old.id
    FROM sync_metadata.client_deployments AS d
    CROSS JOIN LATERAL (
      SELECT h.id FROM sync_metadata.sync_jobs AS h WHERE h.tenant = d.id ORDER BY h.id DESC OFFSET 99 LIMIT 1
    ) AS hundredth
    CROSS JOIN LATERAL (
      SELECT h.id FROM sync_metadata.sync_jobs AS h
      WHERE h.tenant = d.id AND h.id < hundredth.id AND h.finished_at < clock_timestamp() - interval '30 days'
        AND h.id IS DISTINCT FROM (
          SELECT max(s.id) FROM sync_metadata.sync_jobs AS s
          WHERE s.tenant = d.id AND s.status IN ('success', 'unchanged')
        )
    ) AS old
    WHERE d.cluster = sync_metadata.own_cluster()
    LIMIT 1000
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.fold_job(bigint), sync_metadata.prune_history(uuid, bigint) TO sync_service;

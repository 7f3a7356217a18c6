-- The queue, which is also the history: one row per attempt, final once it is finished.
-- A failed attempt's retry is a row of its own.

CREATE TABLE sync_metadata.sync_jobs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  tenant text NOT NULL REFERENCES sync_metadata.client_deployments (id),
  reason text NOT NULL CHECK (reason IN ('interval', 'manual', 'retry')),
  status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'success', 'unchanged', 'failed')),
  -- 1 for a first try; a retry counts on, and so does the takeover of a dead node's job.
  attempt integer NOT NULL DEFAULT 1,
  due_at timestamptz NOT NULL,
  started_at timestamptz,
  finished_at timestamptz,
  -- Who works on it, and under which epoch of the tenant's claim.
  node text,
  run uuid,
  claim_epoch bigint,
  rows bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  error_code text,
  error text
);

-- At most one waiting and one running job per tenant: a trigger during a sync means one more sync behind it.
CREATE UNIQUE INDEX sync_jobs_queued ON sync_metadata.sync_jobs (tenant) WHERE status = 'queued';
CREATE UNIQUE INDEX sync_jobs_running ON sync_metadata.sync_jobs (tenant) WHERE status = 'running';
CREATE INDEX sync_jobs_history ON sync_metadata.sync_jobs (tenant, id);

-- The right to write one tenant's replica. Every new claim raises the epoch, and a sync locks this row and compares
-- its epoch just before COMMIT: a late writer finds a higher one and rolls back.
CREATE TABLE sync_metadata.tenant_claims (
  tenant text PRIMARY KEY REFERENCES sync_metadata.client_deployments (id),
  cluster text NOT NULL,
  epoch bigint NOT NULL DEFAULT 1,
  run uuid NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE sync_metadata.sync_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_metadata.tenant_claims ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.sync_jobs TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster ON sync_metadata.tenant_claims TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT, INSERT, UPDATE ON sync_metadata.sync_jobs, sync_metadata.tenant_claims TO sync_service;

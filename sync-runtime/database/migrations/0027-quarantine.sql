-- Quarantine: a tenant whose syncs fail again and again is tried at its interval, and hourly at most, instead of every five
-- minutes, until one succeeds or an operator asks for one. Others have its share of the nodes' hands, and somebody is told.

ALTER TABLE sync_metadata.cluster_settings
  -- How many failures in a row put a tenant into quarantine.
  ADD COLUMN quarantine_after integer NOT NULL DEFAULT 5 CHECK (quarantine_after BETWEEN 1 AND 100);

ALTER TABLE sync_metadata.tenant_claims
  -- Failures since the last success, or since an operator last asked for a sync.
  ADD COLUMN failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  -- Since when the tenant is in quarantine; null: it is not.
  ADD COLUMN quarantined_at timestamptz;

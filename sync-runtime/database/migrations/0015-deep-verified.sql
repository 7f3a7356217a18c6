-- Deep verification: Postgres computes every digest anew from what it holds, whatever stands in the generated column.

ALTER TABLE sync_metadata.replicas
  ADD COLUMN made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When every row was last read back and compared; null before the first time.
  ADD COLUMN deep_verified_at timestamptz,
  -- Rows that deep verifications found to differ, over all time.
  ADD COLUMN differences bigint NOT NULL DEFAULT 0;
GRANT UPDATE (deep_verified_at, differences) ON sync_metadata.replicas TO sync_service;

-- A tenant whose live database is a Postgres is followed by no replica: what it had is kept as of its promotion. It is
-- declared as paused, and neither its interval nor an operator has its SQLite file synced, which nobody writes to any more.

ALTER TABLE sync_metadata.client_deployments
  -- Where that database is, without a password. Null: it is the SQLite file that the replica follows.
  ADD COLUMN live_database text CHECK (live_database ~ '^postgresql://');

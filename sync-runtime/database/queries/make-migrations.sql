-- Makes the list of the schema's steps, where it does not exist.
CREATE TABLE IF NOT EXISTS sync_metadata.migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)

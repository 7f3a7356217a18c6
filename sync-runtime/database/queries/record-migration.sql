-- Notes that a step was applied.
-- $1 version integer · $2 name text
INSERT INTO sync_metadata.migrations (version, name) VALUES ($1, $2)

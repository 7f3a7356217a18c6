-- Collects row digests for retire-rows.
-- $1 tenant text · $2 bytea, 32 bytes a row
SELECT sync_metadata.collect_removed($1, $2)

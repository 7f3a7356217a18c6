-- Retires a table that the source no longer has; its rows become tombstones.
-- $1 tenant text · $2 table text
SELECT sync_metadata.retire_table($1, $2)

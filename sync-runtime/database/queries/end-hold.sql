-- Ends a replica's hold.
-- $1 tenant text · $2 claim epoch bigint
SELECT sync_metadata.end_hold($1, $2)

-- Removes jobs that ended so long ago that they are no longer kept, a thousand at a time.
-- $1 run uuid · $2 lease epoch bigint
-- Returns how many went; null: the epoch is stale.
SELECT sync_metadata.prune_history($1, $2) AS pruned

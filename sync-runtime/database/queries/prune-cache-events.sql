-- Removes events that every node has heard long ago, a thousand at a time.
-- $1 run uuid · $2 lease epoch bigint
-- Returns how many went; null: the epoch is stale.
SELECT sync_metadata.prune_cache_events($1, $2) AS pruned

-- Removes conflicts that were resolved so long ago that they are no longer kept, a thousand at a time.
-- $1 run uuid · $2 lease epoch bigint
-- Returns how many went; null: the epoch is stale.
SELECT sync_metadata.prune_conflicts($1, $2) AS pruned

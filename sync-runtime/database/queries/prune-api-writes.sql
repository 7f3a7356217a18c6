-- Removes records of operators' writes, and kept answers, that are no longer kept, a thousand at a time.
-- $1 run uuid · $2 lease epoch bigint
-- Returns how many went; null: the epoch is stale.
SELECT sync_metadata.prune_api_writes($1, $2) AS pruned

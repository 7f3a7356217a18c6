-- Removes up to a thousand persons who have not used a tenant of the cluster for 30 days.
-- $1 run uuid · $2 lease epoch bigint
-- Returns how many went; null: the epoch is stale.
SELECT sync_metadata.prune_active_users($1, $2) AS pruned

-- Drops a tenant's tombstones that are older than the stack's config says, a thousand at a time.
-- $1 tenant text · $2 run uuid · $3 lease epoch bigint
-- Returns how many went; null: the epoch is stale.
SELECT sync_metadata.drop_tombstones($1, $2, $3) AS dropped

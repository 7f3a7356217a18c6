-- Notes that a replica is not equal. Forgetting its sync makes the next one compare every row and repair.
-- $1 tenant text · $2 claim epoch bigint; nothing is changed under a stale one
UPDATE sync_metadata.replicas AS r SET equal = false, committed_sync = NULL
WHERE r.tenant = $1
  AND EXISTS (SELECT FROM sync_metadata.tenant_claims AS c WHERE c.tenant = $1 AND c.epoch = $2)

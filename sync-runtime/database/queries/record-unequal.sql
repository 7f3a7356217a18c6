-- Notes that a replica is not equal. Forgetting its sync makes the next one compare every row and repair. The claim is
-- locked meanwhile: nobody else can take it before this commits.
-- $1 tenant text · $2 claim epoch bigint
-- No row: the claim is no longer held, nothing is changed.
WITH claim AS MATERIALIZED (
  SELECT c.tenant FROM sync_metadata.tenant_claims AS c WHERE c.tenant = $1 AND c.epoch = $2 FOR SHARE
)
UPDATE sync_metadata.replicas AS r SET equal = false, committed_sync = NULL
FROM claim WHERE r.tenant = claim.tenant
RETURNING r.tenant

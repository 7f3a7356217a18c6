-- Locks a tenant's claim until the transaction ends, so that what it writes is committed before anybody else claims.
-- $1 tenant text · $2 run uuid · $3 claim epoch bigint
-- No row: the claim is no longer held; the transaction must roll back.
SELECT c.epoch FROM sync_metadata.tenant_claims AS c WHERE c.tenant = $1 AND c.run = $2 AND c.epoch = $3 FOR UPDATE

-- What is known about a tenant's replica.
-- $1 tenant text
SELECT r.identity, r.committed_sync, r.equal FROM sync_metadata.replicas AS r WHERE r.tenant = $1

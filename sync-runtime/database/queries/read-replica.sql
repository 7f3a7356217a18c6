-- What is known about a tenant's replica, with the rows that its tables held when it was last verified.
-- $1 tenant text
SELECT r.identity, r.committed_sync, r.equal, r.held_id, r.held_reason, r.held_detail, r.held_sync,
  r.held_accepted_at IS NOT NULL AS held_accepted,
  (SELECT coalesce(sum(t.rows), 0) FROM sync_metadata.replica_tables AS t WHERE t.tenant = r.tenant) AS rows
FROM sync_metadata.replicas AS r WHERE r.tenant = $1

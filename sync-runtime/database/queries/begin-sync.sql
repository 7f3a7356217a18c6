-- Begins a tenant's sync: makes what of its replica's bookkeeping is missing, takes off what others wrote since it was last
-- verified, and tells what is known about the replica. Until the transaction ends nobody else writes there.
-- $1 tenant text · $2 seconds that an open transaction of somebody who wrote is waited for
-- Returns how many edits there were, how many operators' decisions wait to be applied, and the replica as it is recorded.
SELECT b.edits, b.resolutions, b.identity, b.committed_sync, b.equal, b.rows,
  b.held_id, b.held_reason, b.held_detail, b.held_sync, b.held_accepted
FROM sync_metadata.begin_sync($1, make_interval(secs => $2)) AS b

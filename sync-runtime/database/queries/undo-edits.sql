-- Takes off what others wrote into a replica since it was last verified. Until the transaction ends nobody else writes there.
-- $1 tenant text · $2 seconds that an open transaction of somebody who wrote is waited for
-- Returns how many edits there were, and how many operators' decisions wait to be applied.
SELECT u.edits, u.resolutions FROM sync_metadata.undo_edits($1, make_interval(secs => $2)) AS u

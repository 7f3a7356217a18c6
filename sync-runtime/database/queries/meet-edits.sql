-- Finds the source's row for each edit that was taken off. What is decided already, and did not change, stands.
-- $1 tenant text · $2 claim epoch bigint · $3 job bigint
-- Returns the operators' decisions that need nothing more, and those that came too late and are asked for anew.
SELECT m.resolved, m.reopened FROM sync_metadata.meet_edits($1, $2, $3) AS m

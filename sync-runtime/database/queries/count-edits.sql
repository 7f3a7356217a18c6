-- How many edits of others stand in a replica, which are no part of what was verified.
-- $1 tenant text
SELECT sync_metadata.count_edits($1) AS edits

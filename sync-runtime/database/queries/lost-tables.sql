-- The tables of a replica that somebody dropped, or took columns from.
-- $1 tenant text
-- No row: all are there as they should be.
SELECT sync_metadata.lost_tables($1) AS name

-- Takes the rows out of a table whose digests were collected before, one row for each digest.
-- $1 tenant text · $2 table text
-- Returns how many rows retired, and how many of them were kept as tombstones.
SELECT r.retired, r.tombstoned FROM sync_metadata.retire_rows($1, $2) AS r

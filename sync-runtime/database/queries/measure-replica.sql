-- Counts and sums every table of a replica as it is now, all at one moment, beside what was recorded when it was last
-- verified (null for a table never verified).
-- $1 tenant text
-- No row: the replica has no tables.
SELECT t.name, m.rows, m.sum, m.odd_rows, t.rows AS recorded_rows, t.sum AS recorded_sum
FROM sync_metadata.replica_tables AS t, sync_metadata.measure_table(t.tenant, t.name) AS m
WHERE t.tenant = $1
ORDER BY t.name

-- Counts and sums every table of a replica as it is now, all at one moment, beside what was recorded when it was last
-- verified (null for a table never verified). The sum of no rows is zeros.
-- $1 tenant text
-- No row: the replica has no tables.
SELECT t.name, coalesce(m.rows, 0) AS rows, coalesce(m.sum, repeat('0', 64)) AS sum, coalesce(m.odd_rows, 0) AS odd_rows,
  t.rows AS recorded_rows, t.sum AS recorded_sum
FROM sync_metadata.replica_tables AS t LEFT JOIN sync_metadata.measure_replica($1) AS m ON m.name = t.name
WHERE t.tenant = $1
ORDER BY t.name

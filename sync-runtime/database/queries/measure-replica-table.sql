-- Rows and sum of one replicated table as they are now, from digests that only Postgres itself computes.
-- $1 tenant text · $2 table text
SELECT m.rows, m.sum FROM sync_metadata.measure_table($1, $2) AS m

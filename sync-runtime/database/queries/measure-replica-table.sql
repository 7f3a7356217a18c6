-- Rows and sum of one replicated table as they are now, without what others wrote into it since it was verified, from digests
-- that only Postgres itself computes.
-- $1 tenant text · $2 table text
SELECT m.rows, m.sum FROM sync_metadata.measure_verified($1, $2) AS m

-- Counts and sums one table of a replica from digests that are computed now, from the values it holds.
-- $1 tenant text · $2 table text
-- Returns also how many stored digests say something else, and whether the digest column is what it should be.
SELECT b.rows, b.sum, b.wrong, sync_metadata.generates_digests($1, $2) AS generated
FROM sync_metadata.read_back($1, $2) AS b

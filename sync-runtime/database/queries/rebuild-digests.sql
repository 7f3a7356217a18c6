-- Makes a table's digest column anew, and with it the digest of every row.
-- $1 tenant text · $2 table text
SELECT sync_metadata.rebuild_digests($1, $2)

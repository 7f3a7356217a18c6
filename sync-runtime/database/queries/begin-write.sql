-- Decided rows that the tenant's own database is to have, in their order, some of them at a time; notes that they are about
-- to be sent.
-- $1 tenant text · $2 run uuid · $3 claim epoch bigint · $4 id of the last one that was returned, 0 for the first
-- No row: there are no more, or the tenant is one-way.
SELECT w.id, w.conflict, w.source, w.key, w.columns, w.ddl, w.before, w.named, w.image, w.digest, w.identity
FROM sync_metadata.begin_write($1, $2, $3, $4) AS w

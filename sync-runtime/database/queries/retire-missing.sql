-- Retires the tables that the source no longer has; their rows become tombstones.
-- $1 tenant text · $2 names of the source's tables text[]
SELECT t.name, sync_metadata.retire_table($1, t.name) AS tombstoned
FROM sync_metadata.replica_tables AS t WHERE t.tenant = $1 AND t.name <> ALL ($2)

-- The tables of a replica as they were when it was last verified (null for a table never verified).
-- $1 tenant text
-- No row: the replica has no tables.
SELECT t.name, t.columns, t.rows, t.sum FROM sync_metadata.replica_tables AS t WHERE t.tenant = $1 ORDER BY t.name

-- Whether this database was ever migrated; asked by whoever may not even use the schema.
-- No row: it was not, so it holds no replica.
SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'sync_metadata' AND c.relname = 'replica_tables'

-- Tables of the schema one is connected to that hold rows of their own. Runs in a tenant's Postgres, and in one that its
-- dump was restored into.
-- No row: it is empty.
SELECT c.relname AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.relkind = 'r'
ORDER BY c.relname COLLATE "C"

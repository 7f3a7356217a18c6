-- One schema of the connected database.
-- $1 name text
-- No row: there is no such schema.
SELECT
  nspname AS name,
  pg_catalog.pg_get_userbyid(nspowner) AS owner
FROM pg_catalog.pg_namespace
WHERE nspname = $1;

-- What a role may do with each function or procedure of a schema.
-- $1 grantee oid · $2 schema text
-- No row: the schema has none.
SELECT
  p.proname AS object,
  ARRAY(
    SELECT a.privilege_type
    FROM pg_catalog.aclexplode(p.proacl) AS a
    WHERE a.grantee = $1::oid
  ) AS privileges
FROM pg_catalog.pg_proc AS p
INNER JOIN pg_catalog.pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname = $2
ORDER BY p.proname;

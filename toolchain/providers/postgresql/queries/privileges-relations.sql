-- What a role may do with each table or sequence of a schema.
-- $1 grantee oid · $2 schema text · $3 kind: r for tables, S for sequences
-- No row: the schema has none of that kind.
SELECT
  c.relname AS object,
  ARRAY(
    SELECT a.privilege_type
    FROM pg_catalog.aclexplode(c.relacl) AS a
    WHERE a.grantee = $1::oid
  ) AS privileges
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = $2 AND c.relkind = $3::"char"
ORDER BY c.relname;

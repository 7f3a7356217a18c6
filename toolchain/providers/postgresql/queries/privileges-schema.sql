-- What a role may do with a schema, as one object.
-- $1 grantee oid · $2 schema text
-- No row: there is no such schema.
SELECT
  n.nspname AS object,
  ARRAY(
    SELECT a.privilege_type
    FROM pg_catalog.aclexplode(n.nspacl) AS a
    WHERE a.grantee = $1::oid
  ) AS privileges
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = $2;

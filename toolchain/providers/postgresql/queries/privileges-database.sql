-- What a role may do with a database, as one object.
-- $1 grantee oid · $2 database text
-- No row: there is no such database.
SELECT
  d.datname AS object,
  ARRAY(
    SELECT a.privilege_type
    FROM pg_catalog.aclexplode(d.datacl) AS a
    WHERE a.grantee = $1::oid
  ) AS privileges
FROM pg_catalog.pg_database AS d
WHERE d.datname = $2;

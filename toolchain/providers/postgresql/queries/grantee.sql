-- The oid by which access lists know a role.
-- $1 role text, `public` for everyone
-- No row: there is no such role.
SELECT 0::oid AS oid
WHERE lower($1) = 'public'
UNION ALL
SELECT oid
FROM pg_catalog.pg_roles
WHERE rolname = $1 AND lower($1) <> 'public';

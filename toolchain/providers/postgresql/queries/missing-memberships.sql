-- Roles the connected role would have to join to act for them.
-- $1 role names text[]
-- No row: it is a member of all, or a superuser, who needs no membership. Superusers' own roles cannot be joined.
SELECT rolname AS role
FROM pg_catalog.pg_roles
WHERE rolname = ANY ($1::text[])
  AND NOT rolsuper
  AND NOT pg_catalog.pg_has_role(current_user, oid, 'MEMBER')
ORDER BY rolname;

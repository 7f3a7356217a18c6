-- Roles that cannot work as a cluster's login: unknown, or no members of sync_service.
-- $1 roles text[]
-- No row: all can.
SELECT r AS role FROM unnest($1::text[]) AS r
WHERE NOT EXISTS (
  SELECT FROM pg_roles AS p
  JOIN pg_auth_members AS m ON m.member = p.oid AND m.roleid = to_regrole('sync_service')
  WHERE p.rolname = r AND p.rolcanlogin
)

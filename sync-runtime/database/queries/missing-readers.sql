-- Readers that cannot connect: unknown, or no members of fleet_analyst.
-- $1 roles text[]
-- No row: all can.
SELECT r AS role FROM unnest($1::text[]) AS r
WHERE NOT EXISTS (
  SELECT FROM pg_roles AS p
  JOIN pg_auth_members AS m ON m.member = p.oid AND m.roleid = to_regrole('fleet_analyst')
  WHERE p.rolname = r AND p.rolcanlogin
)

-- One role's membership of another.
-- $1 member text · $2 role it is a member of text
-- No row: it is not a member.
SELECT bool_or(m.admin_option) AS with_admin_option
FROM pg_catalog.pg_auth_members AS m
WHERE pg_catalog.pg_get_userbyid(m.member) = $1
  AND pg_catalog.pg_get_userbyid(m.roleid) = $2
GROUP BY m.member, m.roleid;

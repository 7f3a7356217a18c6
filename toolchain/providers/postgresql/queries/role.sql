-- One role with the roles it is a member of.
-- $1 name text
-- No row: there is no such role.
SELECT
  r.rolname AS name,
  r.rolsuper AS superuser,
  r.rolinherit AS inherit,
  r.rolcreaterole AS create_role,
  r.rolcreatedb AS create_database,
  r.rolcanlogin AS login,
  r.rolreplication AS replication,
  r.rolbypassrls AS bypass_row_level_security,
  r.rolconnlimit AS connection_limit,
  coalesce(r.rolvaliduntil::text, 'infinity') AS valid_until,
  coalesce(r.rolconfig, '{}') AS settings,
  ARRAY(
    SELECT pg_catalog.pg_get_userbyid(m.roleid)::text
    FROM pg_catalog.pg_auth_members AS m
    WHERE m.member = r.oid
    ORDER BY 1
  ) AS roles
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = $1;

-- What a role will be allowed on objects that an owner makes.
-- $1 grantee oid · $2 kind of object: r S f T n · $3 owner text · $4 schema text, '' for all
-- No row: nothing is granted.
SELECT a.privilege_type AS privilege
FROM pg_catalog.pg_default_acl AS d
LEFT JOIN pg_catalog.pg_namespace AS n ON d.defaclnamespace = n.oid
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS a
WHERE a.grantee = $1::oid
  AND d.defaclobjtype = $2::"char"
  AND pg_catalog.pg_get_userbyid(d.defaclrole) = $3
  AND coalesce(n.nspname, '') = $4
ORDER BY a.privilege_type;

-- Whether a role may set a schema aside and make another in its place, and whether it is there. Runs in a tenant's Postgres.
-- $1 schema text
-- One row.
SELECT has_database_privilege(current_database(), 'CREATE') AS creates,
  (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = $1) AS owns,
  current_user AS role

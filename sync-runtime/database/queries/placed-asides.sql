-- What restores have set aside: schemas `<schema>_before_<operation>`. Runs in a tenant's Postgres.
-- No row: nothing is kept there.
SELECT substring(nspname FROM '^(.+)_before_\d+$') AS schema, substring(nspname FROM '_before_(\d+)$') AS operation
FROM pg_namespace WHERE nspname ~ '^.+_before_\d+$' AND pg_has_role(nspowner, 'USAGE')

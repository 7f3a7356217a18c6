-- Whoever may update a whole table may lock it, and so keep other clusters' nodes waiting. Column by column the same updates
-- are allowed and the lock is not. A key is not for a login to change; a column that a later migration adds to one of
-- these tables is granted there.

DO $$
DECLARE
  name text;
  updatable text;
BEGIN
  FOREACH name IN ARRAY ARRAY['nodes', 'leader_election', 'sync_jobs', 'tenant_claims'] LOOP
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO updatable
      FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = format('sync_metadata.%I', name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attname NOT IN ('id', 'cluster', 'tenant');
    EXECUTE format('REVOKE UPDATE ON sync_metadata.%I FROM sync_service', name);
    EXECUTE format('GRANT UPDATE (%s) ON sync_metadata.%I TO sync_service', updatable, name);
  END LOOP;
END
$$;

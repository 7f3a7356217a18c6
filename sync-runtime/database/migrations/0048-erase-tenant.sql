-- Takes out of the database what a tenant left that the config no longer declares. Both functions are the stack's
-- administrator's: a node's login can neither drop a replica nor move a tenant to erased.

-- What there is of a tenant, by kind; zeros where nothing is left. Its transitions and operations, and the audit log, stay:
-- they say that it was there and who did what, and hold nothing of its contents.
CREATE FUNCTION sync_metadata.left_of_tenant(tenant_id text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_build_object(
    'schemas', (SELECT count(*) FROM pg_namespace AS n WHERE n.nspname = sync_metadata.tenant_schema(tenant_id)),
    'tables', (
      SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = sync_metadata.tenant_schema(tenant_id) AND c.relkind = 'r'
    ),
    'rows', (SELECT coalesce(sum(r.rows), 0) FROM sync_metadata.replicas AS r WHERE r.tenant = tenant_id),
    'replicas', (SELECT count(*) FROM sync_metadata.replicas AS r WHERE r.tenant = tenant_id),
    'conflicts', (SELECT count(*) FROM sync_metadata.conflict_log AS c WHERE c.tenant = tenant_id),
    'differences', (SELECT count(*) FROM sync_metadata.replica_differences AS d WHERE d.tenant = tenant_id),
    'jobs', (SELECT count(*) FROM sync_metadata.sync_jobs AS j WHERE j.tenant = tenant_id),
    'readers', (SELECT count(*) FROM pg_roles AS r WHERE r.rolname = 'fleet_reader_' || tenant_id)
  )
$$;

-- Erases a tenant that is retired, all or nothing; one that is erased already is looked at again. Returns what was there,
-- as left_of_tenant tells it. Who was active is no longer anybody: the persons still count for the rest of their 30 days.
CREATE FUNCTION sync_metadata.erase_tenant(tenant_id text, actor text, reason text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found jsonb;
  stands text;
BEGIN
  SELECT d.state INTO stands FROM sync_metadata.client_deployments AS d WHERE d.id = tenant_id FOR NO KEY UPDATE;
  IF stands IS NULL OR stands NOT IN ('retired', 'erased') THEN
    RAISE EXCEPTION 'tenant % is %: only what the config no longer declares is erased', tenant_id, coalesce(stands, 'not known')
      USING ERRCODE = 'check_violation';
  END IF;
  found := sync_metadata.left_of_tenant(tenant_id);
  EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', sync_metadata.tenant_schema(tenant_id));
  DELETE FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id;
  DELETE FROM sync_metadata.replicas AS r WHERE r.tenant = tenant_id;
  DELETE FROM sync_metadata.replica_differences AS d WHERE d.tenant = tenant_id;
  DELETE FROM sync_metadata.conflict_log AS c WHERE c.tenant = tenant_id;
  DELETE FROM sync_metadata.sync_jobs AS j WHERE j.tenant = tenant_id;
  UPDATE sync_metadata.active_users AS a
    SET person = sha256(convert_to(concat(gen_random_uuid(), gen_random_uuid()), 'UTF8')) WHERE a.tenant = tenant_id;
  UPDATE sync_metadata.client_deployments AS d SET url = 'https://erased.invalid' WHERE d.id = tenant_id;
  PERFORM sync_metadata.transition(tenant_id, 'retired', 'erased', actor, reason);
  RETURN found;
END
$$;

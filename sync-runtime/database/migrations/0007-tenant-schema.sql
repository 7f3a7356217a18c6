-- The schema of one tenant's replica. A login needs two grants to reach a table in it: USAGE on the schema, which
-- only its cluster's logins have, and the table's own, which sync_service has. (COPY does not run under row-level
-- security, so schemas keep the clusters apart here.)

CREATE FUNCTION sync_metadata.tenant_schema(tenant_id text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 'tenant_' || tenant_id;

-- Refuses a tenant that is not of the connected role's cluster; every definer function begins with it.
CREATE FUNCTION sync_metadata.require_tenant(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM FROM sync_metadata.client_deployments AS d
    WHERE d.id = tenant_id AND d.cluster = sync_metadata.own_cluster() AND d.state <> 'retired';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'role % may not touch tenant %: the tenant is not an active one of its cluster',
      session_user, tenant_id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

-- Lets exactly the logins of the tenant's cluster use its schema; called again whenever cluster_logins changed.
CREATE FUNCTION sync_metadata.grant_tenant_schema(tenant_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  login record;
BEGIN
  FOR login IN
    SELECT r.rolname, l.login IS NOT NULL AS allowed
    FROM pg_auth_members AS m
    JOIN pg_roles AS r ON r.oid = m.member
    LEFT JOIN sync_metadata.cluster_logins AS l ON l.login = r.rolname
      AND l.cluster = (SELECT d.cluster FROM sync_metadata.client_deployments AS d WHERE d.id = tenant_id)
    WHERE m.roleid = 'sync_service'::regrole AND NOT r.rolsuper
      AND has_schema_privilege(r.rolname, schema_name, 'USAGE') <> (l.login IS NOT NULL)
  LOOP
    EXECUTE format(
      CASE WHEN login.allowed THEN 'GRANT USAGE ON SCHEMA %I TO %I' ELSE 'REVOKE ALL ON SCHEMA %I FROM %I' END,
      schema_name, login.rolname
    );
  END LOOP;
END
$$;

-- Makes a tenant's schema, its tombstones and its row in replicas, where they do not exist.
CREATE FUNCTION sync_metadata.make_tenant_schema(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  INSERT INTO sync_metadata.replicas (tenant, cluster)
    VALUES (tenant_id, sync_metadata.own_cluster()) ON CONFLICT DO NOTHING;
  IF to_regnamespace(quote_ident(schema_name)) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE SCHEMA %I', schema_name);
  PERFORM sync_metadata.grant_tenant_schema(tenant_id);
  -- What vanished from the source, whole. Nobody but fleet_owner reads or writes it.
  EXECUTE format(
    'CREATE TABLE %I._replica_tombstones (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      source text NOT NULL,
      reason text NOT NULL CHECK (reason IN (''row'', ''column'', ''table'')),
      content json COMPRESSION lz4 NOT NULL,
      retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )',
    schema_name
  );
END
$$;

-- What a tombstone keeps of a row, as a select list. JSON is kept as a string: inside a larger document one escape that
-- Postgres cannot decode (backslash u0000, say) would make all of it unreadable to its operators.
CREATE FUNCTION sync_metadata.tombstone_columns(columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(
    format(CASE c.type WHEN 'json' THEN '%1$I::text AS %1$I' ELSE '%1$I' END, c.name) || ', ', ''
  ) || '_replica_odd'
  FROM jsonb_to_recordset(columns) AS c (name text, type text)
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.tenant_schema(text), sync_metadata.make_tenant_schema(text) TO sync_service;

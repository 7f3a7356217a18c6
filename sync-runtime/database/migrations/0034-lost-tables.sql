-- Somebody may drop a table of a replica, or a column of one, past every function here. A sync then finds that it cannot
-- go on, records the replica as not equal, and the next one makes the table anew from the source.

-- The tables of a replica that are not there as they are described.
CREATE FUNCTION sync_metadata.lost_tables(tenant_id text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  SELECT t.name
  FROM (SELECT sync_metadata.require_tenant(tenant_id)) AS own, sync_metadata.replica_tables AS t
  WHERE t.tenant = tenant_id AND EXISTS (
    SELECT FROM (
      SELECT '_replica_odd' AS name
      UNION ALL SELECT '_replica_digest'
      UNION ALL SELECT sync_metadata.held_name(c ->> 'name') FROM jsonb_array_elements(t.columns) AS c
    ) AS wanted
    WHERE NOT EXISTS (
      SELECT FROM pg_attribute AS a
      WHERE a.attrelid = to_regclass(format('%I.%I', sync_metadata.tenant_schema(tenant_id), t.name))
        AND a.attname = wanted.name AND NOT a.attisdropped
    )
  )
  ORDER BY t.name
$$;

-- Forgets the lost tables of a replica that is known as not equal, and what others wrote into them; drops what is left of
-- them. Costs nothing where a replica is equal.
CREATE FUNCTION sync_metadata.forget_lost_tables(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  lost text;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  IF (SELECT r.equal FROM sync_metadata.replicas AS r WHERE r.tenant = tenant_id) IS NOT FALSE THEN
    RETURN;
  END IF;
  FOR lost IN SELECT * FROM sync_metadata.lost_tables(tenant_id) LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', schema_name, lost);
    EXECUTE format('DELETE FROM %I._replica_edits AS e WHERE e.source = $1', schema_name) USING lost;
    DELETE FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = lost;
  END LOOP;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.lost_tables(text), sync_metadata.forget_lost_tables(text) TO sync_service;

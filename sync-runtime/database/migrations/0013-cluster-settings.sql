-- What the stack's config declares for a whole cluster. Written by apply.ts alone: the functions that remove things
-- read it here, so that whoever calls them cannot shorten anything.

CREATE TABLE sync_metadata.cluster_settings (
  cluster text PRIMARY KEY,
  -- How often a replica is verified row by row.
  verify_interval interval NOT NULL CHECK (verify_interval >= interval '1 hour'),
  -- How long what vanished from a source is kept.
  tombstone_retention interval NOT NULL CHECK (tombstone_retention >= interval '1 day')
);

ALTER TABLE sync_metadata.cluster_settings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.cluster_settings FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.cluster_settings TO sync_service;

-- Drops up to a thousand of a tenant's tombstones that are older than its cluster's retention. Ids grow with time, so
-- only the oldest are looked at. Returns how many went; null to whoever does not lead.
CREATE FUNCTION sync_metadata.drop_tombstones(tenant_id text, run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  retention interval;
  dropped bigint := 0;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  SELECT s.tombstone_retention INTO retention FROM sync_metadata.cluster_settings AS s
    WHERE s.cluster = sync_metadata.own_cluster();
  IF retention IS NOT NULL AND to_regclass(format('%I._replica_tombstones', sync_metadata.tenant_schema(tenant_id)))
    IS NOT NULL
  THEN
    EXECUTE format(
      'WITH oldest AS (SELECT t.id, t.retired_at FROM %1$I._replica_tombstones AS t ORDER BY t.id LIMIT 1000)
       DELETE FROM %1$I._replica_tombstones AS t USING oldest AS o
       WHERE t.id = o.id AND o.retired_at < clock_timestamp() - $1',
      sync_metadata.tenant_schema(tenant_id)
    ) USING retention;
    GET DIAGNOSTICS dropped = ROW_COUNT;
  END IF;
  RETURN dropped;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.drop_tombstones(text, uuid, bigint) TO sync_service;

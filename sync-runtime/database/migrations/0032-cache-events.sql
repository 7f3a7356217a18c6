-- What nodes keep in memory of tenants and hosts is forgotten when it changes: every change appends an event in its own
-- transaction, and each node reads in its beat what was committed since the one before.

CREATE TABLE sync_metadata.cache_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('deployment', 'host')),
  subject text NOT NULL,
  -- The transaction that made the change. Numbers are given before transactions commit, so that the highest one seen says
  -- nothing about those below it; that every transaction below a snapshot's xmin has ended, does.
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX cache_events_xact ON sync_metadata.cache_events (cluster, xact);

-- Up to where a node has read: below that, every event was committed when it looked. One beat behind stands what it had
-- read before, which is where it reads from; null for a run that has not read yet, and then reads all there are.
ALTER TABLE sync_metadata.nodes
  ADD COLUMN events_to xid8,
  ADD COLUMN events_from xid8;

CREATE FUNCTION sync_metadata.append_cache_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  INSERT INTO sync_metadata.cache_events (cluster, kind, subject) VALUES (NEW.cluster, TG_ARGV[0], NEW.id);
  RETURN NULL;
END
$$;

CREATE TRIGGER cached AFTER INSERT OR UPDATE ON sync_metadata.client_deployments
  FOR EACH ROW EXECUTE FUNCTION sync_metadata.append_cache_event('deployment');
CREATE TRIGGER cached AFTER INSERT OR UPDATE ON sync_metadata.hosts
  FOR EACH ROW EXECUTE FUNCTION sync_metadata.append_cache_event('host');

-- Removes up to a thousand events that are an hour old: no node keeps anything for longer than five minutes. Returns how
-- many went; null to whoever does not lead.
CREATE FUNCTION sync_metadata.prune_cache_events(run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  DELETE FROM sync_metadata.cache_events AS e WHERE e.id IN (
    SELECT o.id FROM sync_metadata.cache_events AS o
    WHERE o.cluster = sync_metadata.own_cluster() AND o.at < clock_timestamp() - interval '1 hour'
    ORDER BY o.id LIMIT 1000
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;

ALTER TABLE sync_metadata.cache_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.cache_events FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.cache_events TO sync_service;
GRANT EXECUTE ON FUNCTION sync_metadata.prune_cache_events(uuid, bigint) TO sync_service;

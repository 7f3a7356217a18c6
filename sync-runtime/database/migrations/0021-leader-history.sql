-- Who led, under which epoch, from when to when, and how it ended. Written by the very statements that take a lease and
-- give it back, through a trigger, so that no login can write it and nothing about a leader goes unrecorded.

CREATE TABLE sync_metadata.leader_history (
  cluster text NOT NULL,
  epoch bigint NOT NULL,
  node text NOT NULL,
  run uuid NOT NULL,
  began_at timestamptz NOT NULL,
  -- Null while nobody has followed and the leader has not given it back: the lease itself then says when it expires.
  ended_at timestamptz,
  -- released: given back by its holder. expired: not renewed in time.
  ended text CHECK (ended IN ('released', 'expired')),
  PRIMARY KEY (cluster, epoch),
  CHECK (num_nulls(ended_at, ended) IN (0, 2))
);

CREATE FUNCTION sync_metadata.record_leader() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- A renewal that ends earlier than the one before it is this server's clock set back, and no release.
    IF NEW.epoch = OLD.epoch AND NEW.expires_at > clock_timestamp() THEN
      RETURN NULL;
    END IF;
    UPDATE sync_metadata.leader_history AS h
    SET ended_at = CASE WHEN NEW.epoch = OLD.epoch THEN NEW.expires_at ELSE OLD.expires_at END,
      ended = CASE WHEN NEW.epoch = OLD.epoch THEN 'released' ELSE 'expired' END
    WHERE h.cluster = OLD.cluster AND h.epoch = OLD.epoch AND h.ended_at IS NULL;
  END IF;
  IF TG_OP = 'INSERT' OR NEW.epoch <> OLD.epoch THEN
    INSERT INTO sync_metadata.leader_history (cluster, epoch, node, run, began_at)
      VALUES (NEW.cluster, NEW.epoch, NEW.node, NEW.holder, NEW.acquired_at) ON CONFLICT DO NOTHING;
    -- A thousand changes stay, however long they took.
    DELETE FROM sync_metadata.leader_history AS h WHERE h.cluster = NEW.cluster AND h.epoch <= NEW.epoch - 1000;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER record_first_leader AFTER INSERT ON sync_metadata.leader_election
  FOR EACH ROW EXECUTE FUNCTION sync_metadata.record_leader();
-- The condition keeps renewals, one a second, from calling anything.
CREATE TRIGGER record_leader AFTER UPDATE ON sync_metadata.leader_election
  FOR EACH ROW WHEN (NEW.epoch <> OLD.epoch OR NEW.expires_at < OLD.expires_at)
  EXECUTE FUNCTION sync_metadata.record_leader();

INSERT INTO sync_metadata.leader_history (cluster, epoch, node, run, began_at)
  SELECT l.cluster, l.epoch, l.node, l.holder, l.acquired_at FROM sync_metadata.leader_election AS l;

ALTER TABLE sync_metadata.leader_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.leader_history FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.leader_history TO sync_service;

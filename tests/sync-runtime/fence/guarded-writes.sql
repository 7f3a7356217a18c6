-- Postgres itself records every write that the lease or a tenant's claim guards: under which epoch, by which run, and in
-- which transaction, whose moment of commit the server knows (track_commit_timestamp). Nothing of it is in the product.
CREATE SCHEMA fence;
GRANT USAGE ON SCHEMA fence TO PUBLIC;

CREATE TABLE fence.writes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xact xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- lease, or claim:<tenant>.
  guard text NOT NULL,
  -- take: a new epoch. Everything else is written under one.
  write text NOT NULL,
  epoch bigint,
  -- Who wrote; null inside a sync, whose connection is named after its claim.
  run uuid,
  -- Of a replica: the sync that it held and the one that it holds.
  sync_before text,
  sync_after text
);

-- The run that a node's connection is named after, and the claim that a sync's is.
CREATE FUNCTION fence.run() RETURNS uuid LANGUAGE sql STABLE
  RETURN substring(current_setting('application_name') FROM '^run:([0-9a-f-]{36})')::uuid;
CREATE FUNCTION fence.claim_epoch() RETURNS bigint LANGUAGE sql STABLE
  RETURN substring(current_setting('application_name') FROM '^sync:.*:(\d+)$')::bigint;

CREATE FUNCTION fence.on_lease() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO fence.writes (guard, write, epoch, run) VALUES (
    'lease',
    CASE
      WHEN TG_OP = 'INSERT' OR NEW.epoch <> OLD.epoch OR NEW.holder <> OLD.holder THEN 'take'
      WHEN NEW.expires_at <= clock_timestamp() THEN 'release' ELSE 'renew'
    END,
    NEW.epoch, coalesce(fence.run(), NEW.holder)
  );
  RETURN NULL;
END $$;
CREATE TRIGGER fence AFTER INSERT OR UPDATE ON sync_metadata.leader_election
  FOR EACH ROW EXECUTE FUNCTION fence.on_lease();

-- A scheduled job does not say under which epoch it was queued: that is the lease as the writer could see it. Of a former
-- leader's write this is another run's epoch.
CREATE FUNCTION fence.on_scheduled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO fence.writes (guard, write, epoch, run)
  SELECT 'lease', 'schedule', l.epoch, fence.run()
  FROM sync_metadata.leader_election AS l WHERE l.cluster = NEW.cluster;
  RETURN NULL;
END $$;
CREATE TRIGGER fence_scheduled AFTER INSERT ON sync_metadata.sync_jobs
  FOR EACH ROW WHEN (NEW.reason IN ('interval', 'verify')) EXECUTE FUNCTION fence.on_scheduled();

CREATE FUNCTION fence.on_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO fence.writes (guard, write, epoch, run) VALUES ('claim:' || NEW.tenant, 'take', NEW.epoch, NEW.run);
  RETURN NULL;
END $$;
CREATE TRIGGER fence_first AFTER INSERT ON sync_metadata.tenant_claims
  FOR EACH ROW EXECUTE FUNCTION fence.on_claim();
-- Failures are counted in the same row; a claim is what has a moment of its own.
CREATE TRIGGER fence AFTER UPDATE ON sync_metadata.tenant_claims
  FOR EACH ROW WHEN (OLD.claimed_at <> NEW.claimed_at) EXECUTE FUNCTION fence.on_claim();

-- What a claim's holder writes about its job; that a claim is taken is recorded above.
CREATE FUNCTION fence.on_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO fence.writes (guard, write, epoch, run) VALUES (
    'claim:' || NEW.tenant, CASE WHEN NEW.status = 'running' THEN 'progress' ELSE 'end' END,
    coalesce(fence.claim_epoch(), NEW.claim_epoch), fence.run()
  );
  RETURN NULL;
END $$;
CREATE TRIGGER fence_job AFTER UPDATE ON sync_metadata.sync_jobs
  FOR EACH ROW WHEN (OLD.status = 'running' AND OLD.claim_epoch = NEW.claim_epoch) EXECUTE FUNCTION fence.on_job();

CREATE FUNCTION fence.on_replica() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO fence.writes (guard, write, epoch, run, sync_before, sync_after) VALUES (
    'claim:' || NEW.tenant, 'replica',
    coalesce(fence.claim_epoch(), (SELECT c.epoch FROM sync_metadata.tenant_claims AS c WHERE c.tenant = NEW.tenant)),
    fence.run(), OLD.committed_sync, NEW.committed_sync
  );
  RETURN NULL;
END $$;
-- The totals follow what was written, by a trigger that may run before this one.
CREATE TRIGGER fence AFTER UPDATE ON sync_metadata.replicas
  FOR EACH ROW WHEN ((OLD.tables, OLD.rows) IS NOT DISTINCT FROM (NEW.tables, NEW.rows))
  EXECUTE FUNCTION fence.on_replica();

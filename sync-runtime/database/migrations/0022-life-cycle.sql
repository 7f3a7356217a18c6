-- The life cycle of a tenant: the states it can be in, the moves between them that are legal, and a record of every move
-- that was made. The config owns intent (declared_paused, and that there is an entry at all), this database owns what is:
-- an operator's pause survives every `up` that changes nothing about pausing.
--
-- provisioning  declared, and never synced yet; its first verified sync makes it active
-- active        synced at its interval
-- paused        synced only when somebody asks
-- migrating     on its way to another host; synced only when somebody asks
-- retired       no longer in the config; its replica stays
-- erased        its replica is gone as well, on purpose

CREATE TABLE sync_metadata.legal_moves (
  from_state text NOT NULL,
  to_state text NOT NULL,
  -- Whether a cluster's login may make it; the others are made by the stack alone.
  by_nodes boolean NOT NULL,
  -- What has to be true of the replica: verified at least once (true), never yet (false), or either (null).
  verified boolean,
  PRIMARY KEY (from_state, to_state)
);

INSERT INTO sync_metadata.legal_moves (from_state, to_state, by_nodes, verified) VALUES
  ('provisioning', 'active', true, true),
  ('provisioning', 'paused', true, NULL),
  ('active', 'paused', true, NULL),
  ('paused', 'active', true, true),
  ('paused', 'provisioning', true, false),
  ('active', 'migrating', true, NULL),
  ('paused', 'migrating', true, NULL),
  ('migrating', 'active', true, true),
  ('migrating', 'paused', true, NULL),
  ('provisioning', 'retired', false, NULL),
  ('active', 'retired', false, NULL),
  ('paused', 'retired', false, NULL),
  ('migrating', 'retired', false, NULL),
  ('retired', 'active', false, true),
  ('retired', 'provisioning', false, false),
  ('retired', 'paused', false, NULL),
  ('retired', 'erased', false, NULL),
  ('erased', 'provisioning', false, false),
  ('erased', 'paused', false, false);

-- Every move that was made, and how each tenant began. Only ever added to.
CREATE TABLE sync_metadata.transitions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  tenant text NOT NULL REFERENCES sync_metadata.client_deployments (id),
  -- Null: the tenant was new.
  from_state text,
  to_state text NOT NULL,
  -- Who wanted it: an operator by the name in their token, `up` for the config, `sync` for a first verified sync.
  actor text NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 200),
  reason text NOT NULL CHECK (char_length(reason) <= 1000),
  -- The role that connected, whatever it said of itself.
  login name NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX transitions_tenant ON sync_metadata.transitions (tenant, id);

CREATE FUNCTION sync_metadata.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION '%.% is only ever added to', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON sync_metadata.transitions
  FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.refuse_change();

ALTER TABLE sync_metadata.client_deployments
  -- What the config said about pausing when it was last applied.
  ADD COLUMN declared_paused boolean NOT NULL DEFAULT false,
  -- The move that led to the state.
  ADD COLUMN transition bigint,
  DROP CONSTRAINT client_deployments_state_check,
  ADD CONSTRAINT client_deployments_state_check
    CHECK (state IN ('provisioning', 'active', 'paused', 'migrating', 'retired', 'erased'));

-- Until now a tenant was paused by the config alone, and counted as active from the beginning.
UPDATE sync_metadata.client_deployments AS d
SET declared_paused = d.state = 'paused',
  state = CASE
    WHEN d.state = 'active' AND NOT EXISTS (
      SELECT FROM sync_metadata.replicas AS r WHERE r.tenant = d.id AND r.verified_at IS NOT NULL
    ) THEN 'provisioning'
    ELSE d.state
  END;
WITH begun AS (
  INSERT INTO sync_metadata.transitions (cluster, tenant, to_state, actor, reason)
  SELECT d.cluster, d.id, d.state, 'up', 'as it was when moves began to be recorded'
  FROM sync_metadata.client_deployments AS d
  RETURNING id, tenant
)
UPDATE sync_metadata.client_deployments AS d SET transition = begun.id FROM begun WHERE begun.tenant = d.id;

-- Moves a tenant from one state to another, all or nothing, and records who wanted it and why. Returns the move's number;
-- null where the tenant is not in from_state (any more): nothing happened, and the caller looks again.
CREATE FUNCTION sync_metadata.transition(
  tenant_id text, from_state text, to_state text, actor text, reason text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  by_stack boolean := pg_has_role(session_user, 'fleet_owner', 'MEMBER');
  deployment sync_metadata.client_deployments;
  move sync_metadata.legal_moves;
  moved bigint;
BEGIN
  -- Who comes second waits here, and then sees what the first has done.
  SELECT * INTO deployment FROM sync_metadata.client_deployments AS d
    WHERE d.id = tenant_id AND (by_stack OR d.cluster = sync_metadata.own_cluster())
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'role % may not move tenant %: it is none of its cluster', session_user, tenant_id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT * INTO move FROM sync_metadata.legal_moves AS m
    WHERE m.from_state = transition.from_state AND m.to_state = transition.to_state;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'no tenant moves from % to %', from_state, to_state USING ERRCODE = 'check_violation';
  END IF;
  IF NOT (by_stack OR move.by_nodes) THEN
    RAISE EXCEPTION 'role % may not move tenant % from % to %: only the stack does', session_user, tenant_id,
      from_state, to_state
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF deployment.state <> from_state THEN
    RETURN NULL;
  END IF;
  IF move.verified <> sync_metadata.was_verified(tenant_id) THEN
    RAISE EXCEPTION 'tenant % cannot move from % to %: its replica was % verified', tenant_id, from_state, to_state,
      CASE WHEN move.verified THEN 'never' ELSE 'already' END
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO sync_metadata.transitions (cluster, tenant, from_state, to_state, actor, reason)
    VALUES (deployment.cluster, tenant_id, from_state, to_state, actor, reason)
    RETURNING id INTO moved;
  UPDATE sync_metadata.client_deployments AS d
    SET state = transition.to_state, transition = moved, updated_at = clock_timestamp()
    WHERE d.id = tenant_id;
  RETURN moved;
END
$$;

-- Whether a tenant's replica was ever found equal to its source.
CREATE FUNCTION sync_metadata.was_verified(tenant_id text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT EXISTS (SELECT FROM sync_metadata.replicas AS r WHERE r.tenant = tenant_id AND r.verified_at IS NOT NULL)
$$;

-- A state without its move is refused to everybody, owner and superuser included: a mistake would leave no trace.
CREATE FUNCTION sync_metadata.require_transition() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NEW.transition IS NOT DISTINCT FROM OLD.transition OR NOT EXISTS (
    SELECT FROM sync_metadata.transitions AS t
    WHERE t.id = NEW.transition AND t.tenant = NEW.id AND t.from_state = OLD.state AND t.to_state = NEW.state
  ) THEN
    RAISE EXCEPTION 'the state of tenant % changes by sync_metadata.transition alone', NEW.id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER by_transition BEFORE UPDATE ON sync_metadata.client_deployments
  FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state)
  EXECUTE FUNCTION sync_metadata.require_transition();

-- Records how a new tenant begins.
CREATE FUNCTION sync_metadata.record_beginning() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  begun bigint;
BEGIN
  IF NEW.state <> (CASE WHEN NEW.declared_paused THEN 'paused' ELSE 'provisioning' END) THEN
    RAISE EXCEPTION 'tenant % cannot begin as %', NEW.id, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO sync_metadata.transitions (cluster, tenant, to_state, actor, reason)
    VALUES (NEW.cluster, NEW.id, NEW.state, 'up', 'the config declares it')
    RETURNING id INTO begun;
  UPDATE sync_metadata.client_deployments AS d SET transition = begun WHERE d.id = NEW.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER beginning AFTER INSERT ON sync_metadata.client_deployments
  FOR EACH ROW EXECUTE FUNCTION sync_metadata.record_beginning();

-- A tenant's first verified sync makes it active, in that sync's own transaction. One that is paused stays paused.
CREATE FUNCTION sync_metadata.end_provisioning() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.transition(NEW.tenant, 'provisioning', 'active', 'sync', 'its first verified sync');
  RETURN NULL;
END
$$;

CREATE TRIGGER first_verified AFTER UPDATE ON sync_metadata.replicas
  FOR EACH ROW WHEN (OLD.verified_at IS NULL AND NEW.verified_at IS NOT NULL)
  EXECUTE FUNCTION sync_metadata.end_provisioning();

CREATE OR REPLACE FUNCTION sync_metadata.require_tenant(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM FROM sync_metadata.client_deployments AS d
    WHERE d.id = tenant_id AND d.cluster = sync_metadata.own_cluster() AND d.state NOT IN ('retired', 'erased');
  IF NOT FOUND THEN
    RAISE EXCEPTION 'role % may not touch tenant %: the tenant is not an active one of its cluster',
      session_user, tenant_id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

ALTER TABLE sync_metadata.transitions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.transitions FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.transitions, sync_metadata.legal_moves TO sync_service;
GRANT EXECUTE ON FUNCTION sync_metadata.transition(text, text, text, text, text) TO sync_service;

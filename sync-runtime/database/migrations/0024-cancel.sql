-- Cancelling: a waiting job ends at once; the node that works on a running one finds the wish at its next beat, breaks the
-- sync off and ends the job. Nothing is lost: what the sync did rolls back, and the next one comes at its interval.

ALTER TABLE sync_metadata.sync_jobs
  -- Who wants it to end, by the name in their token; null: nobody.
  ADD COLUMN cancel_asked_by text CHECK (char_length(cancel_asked_by) BETWEEN 1 AND 200),
  DROP CONSTRAINT sync_jobs_status_check,
  ADD CONSTRAINT sync_jobs_status_check
    CHECK (status IN ('queued', 'running', 'success', 'unchanged', 'failed', 'held', 'cancelled')),
  ADD CHECK (status <> 'cancelled' OR cancel_asked_by IS NOT NULL);

-- How a cancelled job reads in the history.
CREATE FUNCTION sync_metadata.cancel_text(actor text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT actor || ' cancelled it. The replica keeps what it has.' $$;

-- Ends what waits of a tenant, and asks for the end of what runs. With the rights of whoever calls it. Returns the jobs
-- that are concerned, with their status behind it: cancelled, or running for a moment longer. A job that waited gets a
-- beginning as well: the next one comes an interval later.
CREATE FUNCTION sync_metadata.cancel_jobs(tenant_id text, actor text) RETURNS TABLE (job bigint, status text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE sync_metadata.sync_jobs AS j
  SET cancel_asked_by = coalesce(j.cancel_asked_by, actor),
    status = CASE WHEN j.status = 'queued' THEN 'cancelled' ELSE j.status END,
    started_at = CASE WHEN j.status = 'queued' THEN clock_timestamp() ELSE j.started_at END,
    finished_at = CASE WHEN j.status = 'queued' THEN clock_timestamp() END,
    error_code = CASE WHEN j.status = 'queued' THEN 'cancelled' END,
    error = CASE WHEN j.status = 'queued' THEN sync_metadata.cancel_text(actor) END
  WHERE j.tenant = tenant_id AND j.status IN ('queued', 'running')
  RETURNING j.id, j.status
$$;

-- As before, and a tenant that leaves takes its jobs with it.
CREATE OR REPLACE FUNCTION sync_metadata.transition(
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
  IF to_state IN ('retired', 'erased') THEN
    PERFORM sync_metadata.cancel_jobs(tenant_id, actor);
  END IF;
  RETURN moved;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.was_verified(text), sync_metadata.cancel_text(text),
  sync_metadata.cancel_jobs(text, text) TO sync_service;

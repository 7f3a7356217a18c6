-- Long operations on tenants (a backup, a move, an upgrade ...): each is a row, and its steps are recorded one by one by
-- whoever runs it. Any party may die at any moment; somebody else goes on behind the last step that was recorded.
--
-- running   somebody works on it, or did until their time ran out: then it waits to be taken on
-- stopped   a step failed, or its runner gave it up: it waits to be taken on
-- undoing   it is being aborted: what its steps did is taken back, the last one first
-- done, aborted   ended: nothing of it changes any more
CREATE TABLE sync_metadata.operations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  tenant text NOT NULL REFERENCES sync_metadata.client_deployments (id),
  kind text NOT NULL CHECK (kind ~ '^[a-z][a-z-]{0,39}$'),
  -- What was asked for, and what steps found out for those behind them. Neither holds a secret.
  request jsonb NOT NULL CHECK (jsonb_typeof(request) = 'object' AND octet_length(request::text) <= 65536),
  found jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(found) = 'object' AND octet_length(found::text) <= 262144),
  -- Names of all steps in their order, and how many of them are done.
  steps text[] NOT NULL CHECK (cardinality(steps) BETWEEN 1 AND 50),
  done integer NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND cardinality(steps)),
  -- Up to how many steps that are done it can be aborted.
  abortable integer NOT NULL CHECK (abortable BETWEEN 0 AND cardinality(steps)),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'stopped', 'undoing', 'done', 'aborted')),
  -- Who wanted it, and who wants it aborted, by the names in their tokens.
  actor text NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 200),
  abort_asked_by text CHECK (char_length(abort_asked_by) BETWEEN 1 AND 200),
  -- The process that works on it, how people know it, and until when it has it.
  runner uuid NOT NULL,
  runner_name text NOT NULL CHECK (char_length(runner_name) BETWEEN 1 AND 200),
  held_until timestamptz NOT NULL,
  -- Why it stopped last.
  error text CHECK (char_length(error) <= 4000),
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  CHECK ((status IN ('done', 'aborted')) = (ended_at IS NOT NULL)),
  CHECK (status <> 'done' OR done = cardinality(steps)),
  CHECK (status <> 'aborted' OR (done = 0 AND abort_asked_by IS NOT NULL))
);
-- A tenant has one at a time.
CREATE UNIQUE INDEX operations_open ON sync_metadata.operations (tenant) WHERE ended_at IS NULL;
CREATE INDEX operations_cluster ON sync_metadata.operations (cluster, id);

CREATE FUNCTION sync_metadata.refuse_ended() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'operation % has ended', OLD.id USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER ended BEFORE UPDATE ON sync_metadata.operations
  FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION sync_metadata.refuse_ended();

-- How long a runner has an operation behind its last word.
CREATE FUNCTION sync_metadata.operation_hold() RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT interval '60 seconds' $$;

-- Begins one, held by its runner. Null: another is open for the tenant, whoever holds it.
CREATE FUNCTION sync_metadata.begin_operation(
  tenant_id text, kind text, request jsonb, steps text[], abortable integer, actor text, runner uuid, runner_name text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  begun bigint;
BEGIN
  PERFORM FROM sync_metadata.client_deployments AS d
    WHERE d.id = tenant_id AND d.cluster = sync_metadata.own_cluster();
  IF NOT FOUND THEN
    RAISE EXCEPTION 'role % may not work on tenant %: it is none of its cluster', session_user, tenant_id
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO sync_metadata.operations AS o
    (cluster, tenant, kind, request, steps, abortable, actor, runner, runner_name, held_until)
  VALUES (
    sync_metadata.own_cluster(), tenant_id, kind, request, steps, abortable, actor, runner, runner_name,
    clock_timestamp() + sync_metadata.operation_hold()
  )
  ON CONFLICT (tenant) WHERE ended_at IS NULL DO NOTHING
  RETURNING o.id INTO begun;
  RETURN begun;
END
$$;

-- Takes an open one on whose runner stopped or fell silent; undo: to take back what it did. False: somebody holds it, it
-- has ended, it is past where it can be undone, or it is being undone and is not to be.
CREATE FUNCTION sync_metadata.take_operation(
  operation bigint, runner uuid, runner_name text, undo boolean, actor text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE sync_metadata.operations AS o
  SET runner = take_operation.runner, runner_name = take_operation.runner_name,
    held_until = clock_timestamp() + sync_metadata.operation_hold(), changed_at = clock_timestamp(), error = NULL,
    status = CASE WHEN undo THEN 'undoing' ELSE 'running' END,
    abort_asked_by = CASE WHEN undo THEN coalesce(o.abort_asked_by, take_operation.actor) ELSE o.abort_asked_by END
  WHERE o.id = operation AND o.cluster = sync_metadata.own_cluster() AND o.ended_at IS NULL
    AND (o.runner = take_operation.runner OR o.status = 'stopped' OR o.held_until < clock_timestamp())
    -- What is being undone was abortable when that began.
    AND CASE WHEN undo THEN o.abort_asked_by IS NOT NULL OR o.done <= o.abortable ELSE o.abort_asked_by IS NULL END;
  RETURN FOUND;
END
$$;

-- The word of an operation's runner: how many steps are done now, what was found out, how it stands. Holds it for longer.
-- Returns who wants it aborted, empty where nobody does; null: it is not the runner's any more, and nothing was recorded.
CREATE FUNCTION sync_metadata.report_operation(
  operation bigint, runner uuid, done integer, facts jsonb, outcome text, error text
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wish text;
BEGIN
  UPDATE sync_metadata.operations AS o
  SET done = coalesce(report_operation.done, o.done), found = o.found || coalesce(facts, '{}'),
    status = coalesce(outcome, o.status), error = report_operation.error, changed_at = clock_timestamp(),
    held_until = clock_timestamp() + sync_metadata.operation_hold(),
    ended_at = CASE WHEN outcome IN ('done', 'aborted') THEN clock_timestamp() END
  WHERE o.id = operation AND o.cluster = sync_metadata.own_cluster() AND o.runner = report_operation.runner
    AND o.ended_at IS NULL AND o.status IN ('running', 'undoing')
  RETURNING coalesce(o.abort_asked_by, '') INTO wish;
  RETURN wish;
END
$$;

-- Asks whoever runs an operation to take it back. False: it has ended, or is past where it can be undone.
CREATE FUNCTION sync_metadata.abort_operation(operation bigint, actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE sync_metadata.operations AS o
  SET abort_asked_by = coalesce(o.abort_asked_by, abort_operation.actor), changed_at = clock_timestamp()
  WHERE o.id = operation AND o.cluster = sync_metadata.own_cluster() AND o.ended_at IS NULL
    AND (o.abort_asked_by IS NOT NULL OR o.done <= o.abortable);
  RETURN FOUND;
END
$$;

ALTER TABLE sync_metadata.operations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.operations FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.operations TO sync_service;
GRANT EXECUTE ON FUNCTION sync_metadata.operation_hold(),
  sync_metadata.begin_operation(text, text, jsonb, text[], integer, text, uuid, text),
  sync_metadata.take_operation(bigint, uuid, text, boolean, text),
  sync_metadata.report_operation(bigint, uuid, integer, jsonb, text, text),
  sync_metadata.abort_operation(bigint, text) TO sync_service;

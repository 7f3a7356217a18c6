-- What operators did through the nodes' API, and what they were answered. Both are added to in the transaction of the write
-- itself, so that there is no write without its record and no record of a write that did not happen.

CREATE TABLE sync_metadata.audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL DEFAULT sync_metadata.own_cluster(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Who: the token's sub and jti.
  subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
  token text NOT NULL CHECK (char_length(token) BETWEEN 1 AND 200),
  -- What: a declared route, and the path that was asked for.
  method text NOT NULL,
  route text NOT NULL,
  path text NOT NULL CHECK (char_length(path) <= 1000),
  -- Whose: null where the write is about no single tenant.
  tenant text,
  -- The HTTP status, and the kind of problem where nothing was done.
  status integer NOT NULL CHECK (status BETWEEN 200 AND 599),
  problem text,
  node text NOT NULL,
  -- The occurrence that the answer's problem names too.
  request uuid NOT NULL
);
CREATE INDEX audit_log_cluster ON sync_metadata.audit_log (cluster, id);

CREATE TABLE sync_metadata.api_answers (
  cluster text NOT NULL DEFAULT sync_metadata.own_cluster(),
  subject text NOT NULL,
  route text NOT NULL,
  -- What the client chose: Idempotency-Key.
  key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
  -- sha256 of path, query and body.
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  status integer NOT NULL,
  answer text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (cluster, subject, route, key)
);
CREATE INDEX api_answers_at ON sync_metadata.api_answers (at);

ALTER TABLE sync_metadata.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_metadata.api_answers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.audit_log TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster ON sync_metadata.api_answers TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
-- A login can add and read. When and for which cluster is not for it to say.
GRANT SELECT ON sync_metadata.audit_log, sync_metadata.api_answers TO sync_service;
GRANT INSERT (subject, token, method, route, path, tenant, status, problem, node, request)
  ON sync_metadata.audit_log TO sync_service;
GRANT INSERT (subject, route, key, digest, status, answer) ON sync_metadata.api_answers TO sync_service;

-- Removes up to a thousand each of records older than a year and of answers older than a day. Returns how many went; null
-- to whoever does not lead.
CREATE FUNCTION sync_metadata.prune_api_writes(run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  records bigint;
  answers bigint;
BEGIN
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  DELETE FROM sync_metadata.audit_log AS l WHERE l.id IN (
    SELECT old.id FROM sync_metadata.audit_log AS old
    WHERE old.cluster = sync_metadata.own_cluster() AND old.at < clock_timestamp() - interval '365 days'
    ORDER BY old.id LIMIT 1000
  );
  GET DIAGNOSTICS records = ROW_COUNT;
  DELETE FROM sync_metadata.api_answers AS a WHERE a.ctid IN (
    SELECT old.ctid FROM sync_metadata.api_answers AS old
    WHERE old.cluster = sync_metadata.own_cluster() AND old.at < clock_timestamp() - interval '24 hours'
    LIMIT 1000
  );
  GET DIAGNOSTICS answers = ROW_COUNT;
  RETURN records + answers;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.prune_api_writes(uuid, bigint) TO sync_service;

-- Where a tenant's entry says so, what was decided for an edit that others made in its replica is written into the
-- tenant's own database by the writer of its host. The list of edits says which rows those are: it holds each decided row
-- with the source's as it was verified, until the source has it.

-- one-way: nothing is ever written into the tenant's database.
ALTER TABLE sync_metadata.client_deployments
  ADD COLUMN direction text NOT NULL DEFAULT 'one-way' CHECK (direction IN ('one-way', 'both'));

-- Where the host's writer answers, host:port, and the URI its certificate must carry; null: it has none.
ALTER TABLE sync_metadata.hosts
  ADD COLUMN writer_address text,
  ADD COLUMN writer_identity text,
  ADD CHECK (num_nulls(writer_address, writer_identity) IN (0, 2));

-- Written by the functions below alone.
ALTER TABLE sync_metadata.replicas
  -- The claim under which rows were sent to the writer, of which not every answer is known; null: there is none.
  ADD COLUMN writing_epoch bigint,
  -- Why not all decided rows were written the last time, and since when it is so; null: they were.
  ADD COLUMN write_refused_code text,
  ADD COLUMN write_refused text,
  ADD COLUMN write_refused_at timestamptz,
  ADD CHECK (num_nulls(write_refused_code, write_refused, write_refused_at) IN (0, 3));

ALTER TABLE sync_metadata.conflict_log
  -- When the writer had the row in the tenant's database, and of which host it is.
  ADD COLUMN written_at timestamptz,
  ADD COLUMN written_by text,
  -- When a sync found that the source has the row as it was decided.
  ADD COLUMN converged_at timestamptz,
  -- Why the tenant's database will not have the row, whoever asks again: it then waits for an operator.
  ADD COLUMN refused_code text,
  ADD COLUMN refused text,
  ADD COLUMN refused_at timestamptz,
  ADD CHECK (num_nulls(refused_code, refused, refused_at) IN (0, 3));
CREATE INDEX conflict_log_written ON sync_metadata.conflict_log (written_at) WHERE written_at IS NOT NULL;
CREATE INDEX conflict_log_refused ON sync_metadata.conflict_log (refused_at) WHERE refused_at IS NOT NULL;

-- As it was, with the decision that stood before somebody wrote the row once more.
CREATE OR REPLACE FUNCTION sync_metadata.make_edits(schema_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'CREATE TABLE %I._replica_edits (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      source text NOT NULL,
      op text NOT NULL CHECK (op IN (''insert'', ''update'', ''delete'')),
      before json COMPRESSION lz4, before_digest bytea, before_name text[],
      after json COMPRESSION lz4, after_digest bytea, after_name text[],
      edited_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      edited_by name NOT NULL DEFAULT session_user,
      conflict bigint
    )',
    schema_name
  );
  EXECUTE format('GRANT SELECT ON TABLE %I._replica_edits TO sync_service', schema_name);
  -- Net of all edits, one row a key, or one for each row where the table has no key. It matters within one transaction
  -- only: a sync's own.
  --   columns, key         the shape that the table had
  --   base, remote, met    the row as last verified, as others left it, and as the source has it now; null: no such row
  --   conflict             the decision by which the remote row stands, where nobody wrote it since
  --   decided              an operator's decision, not applied yet
  --   stood                the decision that stood until somebody wrote the row once more, with its row
  --   laid, result         whether something is laid over the source's row, and what; null: that there is no such row
  EXECUTE format(
    'CREATE UNLOGGED TABLE %I._replica_undone (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      source text NOT NULL, columns jsonb NOT NULL, key text[], name text[],
      base json COMPRESSION lz4, base_digest bytea,
      remote json COMPRESSION lz4, remote_digest bytea,
      met json COMPRESSION lz4, met_digest bytea,
      edited_at timestamptz NOT NULL, edited_by name NOT NULL,
      conflict bigint, decided boolean NOT NULL DEFAULT false,
      laid boolean NOT NULL DEFAULT false, result json COMPRESSION lz4,
      stood bigint, stood_row json COMPRESSION lz4, stood_digest bytea
    )',
    schema_name
  );
END
$$;

DO $$
DECLARE
  schema_name text;
BEGIN
  FOR schema_name IN SELECT sync_metadata.tenant_schema(r.tenant) FROM sync_metadata.replicas AS r LOOP
    EXECUTE format(
      'ALTER TABLE %I._replica_undone ADD COLUMN stood bigint, ADD COLUMN stood_row json COMPRESSION lz4,
         ADD COLUMN stood_digest bytea',
      schema_name
    );
  END LOOP;
END
$$;

-- As it was, and keeps which decision stood.
CREATE OR REPLACE FUNCTION sync_metadata.undo_edits(tenant_id text, patience interval, OUT edits bigint, OUT resolutions bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1 SET bytea_output = hex SET lock_timeout = 0
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  edited text;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  PERFORM sync_metadata.lock_edits(schema_name, patience);
  SELECT count(*) INTO resolutions FROM sync_metadata.conflict_log AS c
    WHERE c.tenant = tenant_id AND c.winner = 'pending' AND c.accepted IS NOT NULL;
  EXECUTE format('SELECT count(*) FROM %I._replica_edits', schema_name) INTO edits;
  IF edits = 0 THEN
    RETURN;
  END IF;
  EXECUTE format('DELETE FROM %I._replica_undone', schema_name);
  FOR edited IN EXECUTE format(
    'SELECT DISTINCT e.source FROM %I._replica_edits AS e JOIN sync_metadata.replica_tables AS t
     ON t.tenant = $1 AND t.name = e.source ORDER BY 1',
    schema_name
  ) USING tenant_id LOOP
    PERFORM sync_metadata.undo_table(tenant_id, edited);
  END LOOP;
  EXECUTE format(
    'UPDATE %1$I._replica_undone AS u SET stood = e.conflict, stood_row = e.after, stood_digest = e.after_digest
     FROM %1$I._replica_edits AS e
     WHERE u.conflict IS NULL AND e.conflict IS NOT NULL AND e.source = u.source
       AND u.name = coalesce(e.after_name, e.before_name)',
    schema_name
  );
  EXECUTE format('DELETE FROM %I._replica_edits', schema_name);
END
$$;

-- An edit of a row that the source has taken over from the replica since began from that row, not from the one before: what
-- the source has is no change of its own.
CREATE FUNCTION sync_metadata.note_converged(schema_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'WITH begun AS (
       UPDATE %I._replica_undone AS u SET base = u.stood_row, base_digest = u.stood_digest
       WHERE u.stood IS NOT NULL AND u.met_digest IS NOT DISTINCT FROM u.stood_digest
       RETURNING u.stood
     )
     UPDATE sync_metadata.conflict_log AS c SET converged_at = clock_timestamp() FROM begun AS b WHERE c.id = b.stood',
    schema_name
  );
END
$$;

-- What the tenant's database will not have is nothing that can stand: the conflict waits for an operator, with the row that
-- was refused as the remote one. Where the source changed the row since, it meets that instead.
CREATE FUNCTION sync_metadata.reopen_refused(tenant_id text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'WITH refused AS (
       DELETE FROM %I._replica_undone AS u USING sync_metadata.conflict_log AS c, sync_metadata.replica_tables AS t
       WHERE c.id = u.conflict AND NOT u.decided AND c.refused_at >= c.resolved_at
         AND u.base_digest IS NOT DISTINCT FROM u.met_digest
         AND t.tenant = $1 AND t.name = u.source AND t.columns = u.columns AND t.key = u.key
       RETURNING c.id, u.met, u.met_digest
     )
     UPDATE sync_metadata.conflict_log AS c
     SET winner = ''pending'', resolved_at = NULL, resolved_job = NULL, decided_by = ''rule'', result = NULL,
       remote = CASE c.winner WHEN ''merged'' THEN c.result ELSE c.remote END,
       source = r.met, source_digest = r.met_digest, written_at = NULL, written_by = NULL,
       why = format(''The tenant''''s own database refused the row: %%s'', c.refused)
     FROM refused AS r WHERE c.id = r.id',
    sync_metadata.tenant_schema(tenant_id)
  ) USING tenant_id;
END
$$;

-- As it was, and says what the source has taken over, and which decisions it will not have.
CREATE OR REPLACE FUNCTION sync_metadata.meet_edits(
  tenant_id text, claim_epoch bigint, job_id bigint, OUT resolved bigint, OUT reopened bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1 SET bytea_output = hex
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  edited text;
  alike bigint;
BEGIN
  PERFORM sync_metadata.require_claim(tenant_id, claim_epoch);
  resolved := sync_metadata.bring_resolutions(tenant_id, job_id);
  FOR edited IN EXECUTE format('SELECT DISTINCT u.source FROM %I._replica_undone AS u', schema_name) LOOP
    PERFORM sync_metadata.meet_table(tenant_id, edited);
  END LOOP;
  PERFORM sync_metadata.note_converged(schema_name);
  EXECUTE format(
    'WITH alike AS (
       DELETE FROM %I._replica_undone AS u
       WHERE u.name IS NOT NULL AND (u.remote_digest = u.met_digest OR num_nonnulls(u.remote, u.met) = 0)
       RETURNING u.conflict, u.decided
     ),
     converged AS (
       UPDATE sync_metadata.conflict_log AS c SET converged_at = clock_timestamp()
       FROM alike AS a WHERE NOT a.decided AND c.id = a.conflict
     )
     UPDATE sync_metadata.conflict_log AS c
     SET winner = ''remote'', resolved_at = clock_timestamp(), resolved_job = $1, accepted = NULL, accepted_row = NULL
     FROM alike AS a WHERE a.decided AND c.id = a.conflict',
    schema_name
  ) USING job_id;
  GET DIAGNOSTICS alike = ROW_COUNT;
  resolved := resolved + alike;
  PERFORM sync_metadata.reopen_refused(tenant_id);
  EXECUTE format(
    'UPDATE %I._replica_undone AS u SET laid = true, result = u.remote
     FROM sync_metadata.replica_tables AS t
     WHERE t.tenant = $1 AND t.name = u.source AND u.conflict IS NOT NULL AND u.base_digest IS NOT DISTINCT FROM u.met_digest
       AND u.columns = t.columns AND u.key = t.key',
    schema_name
  ) USING tenant_id;
  reopened := sync_metadata.reopen_conflicts(tenant_id, job_id);
END
$$;

-- Refuses whoever's claim of the tenant is not that of this run and epoch.
CREATE FUNCTION sync_metadata.require_run(tenant_id text, run uuid, claim_epoch bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_claim(tenant_id, claim_epoch);
  PERFORM FROM sync_metadata.tenant_claims AS c WHERE c.tenant = tenant_id AND c.run = require_run.run;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'claim % of tenant % is another run''s', claim_epoch, tenant_id
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
END
$$;

-- Decided rows that the tenant's database is to have, behind the edit with the id `after`, some hundreds and some megabytes
-- at a time, and notes that they are about to be sent. What somebody wrote once more meets the source first; what the
-- tenant's database refused for good waits for an operator.
-- key          the key's columns
-- columns      [{"name", "type"}] of the table, `ddl` its source's statements
-- before       digest of the source's row as it was verified, hex; null: there is none
-- image        the decided row; null: that there is none. `named` has its key in any case
-- digest       of the decided row, hex
CREATE FUNCTION sync_metadata.begin_write(tenant_id text, run uuid, claim_epoch bigint, after bigint)
RETURNS TABLE (
  id bigint, conflict bigint, source text, key text[], columns jsonb, ddl text[], before text, named json, image json,
  digest text, identity uuid
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_run(tenant_id, run, claim_epoch);
  UPDATE sync_metadata.replicas AS r SET writing_epoch = claim_epoch FROM sync_metadata.client_deployments AS d
    WHERE r.tenant = tenant_id AND d.id = tenant_id AND d.direction = 'both' AND r.equal;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format(
    'SELECT e.id, e.conflict, e.source, t.key, t.columns, t.ddl, encode(e.before_digest, ''hex''),
       coalesce(e.after, e.before), e.after, encode(e.after_digest, ''hex''), r.identity
     FROM (
       SELECT s.*, sum(s.size) OVER (ORDER BY s.id) - s.size AS bytes
       FROM (
         SELECT n.*, coalesce(octet_length(n.after::text), 0) AS size FROM %1$I._replica_edits AS n
         JOIN sync_metadata.conflict_log AS c ON c.id = n.conflict AND (c.refused_at >= c.resolved_at) IS NOT TRUE
         WHERE n.id > $2 AND NOT EXISTS (
           SELECT FROM %1$I._replica_edits AS o
           WHERE o.conflict IS NULL AND o.source = n.source
             AND coalesce(n.after_name, n.before_name) IN (o.before_name, o.after_name)
         )
         ORDER BY n.id LIMIT 500
       ) AS s
     ) AS e
     JOIN sync_metadata.replica_tables AS t ON t.tenant = $1 AND t.name = e.source AND t.key IS NOT NULL
     JOIN sync_metadata.replicas AS r ON r.tenant = $1
     WHERE e.bytes < 16000000
     ORDER BY e.id',
    sync_metadata.tenant_schema(tenant_id)
  ) USING tenant_id, after;
END
$$;

-- Writes down what became of rows that were sent.
-- host     whose writer it was
-- results  [{"conflict", "code"?, "message"?}]; with a code: the tenant's database will not have the row
-- Returns for how many conflicts it is the first time that their row was written.
CREATE FUNCTION sync_metadata.note_written(tenant_id text, run uuid, claim_epoch bigint, host text, results json)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  fresh bigint;
BEGIN
  PERFORM sync_metadata.require_run(tenant_id, run, claim_epoch);
  UPDATE sync_metadata.conflict_log AS c SET refused_code = r.code, refused = r.message, refused_at = clock_timestamp()
    FROM json_to_recordset(results) AS r (conflict bigint, code text, message text)
    WHERE c.tenant = tenant_id AND c.id = r.conflict AND r.code IS NOT NULL;
  UPDATE sync_metadata.conflict_log AS c SET written_at = clock_timestamp(), written_by = host
    FROM json_to_recordset(results) AS r (conflict bigint, code text)
    WHERE c.tenant = tenant_id AND c.id = r.conflict AND r.code IS NULL
      AND (c.written_at >= c.resolved_at) IS NOT TRUE;
  GET DIAGNOSTICS fresh = ROW_COUNT;
  RETURN fresh;
END
$$;

-- Ends a writing.
-- answered       whether every request was: else a late one may still reach the writer, which the next sync prevents
-- code, message  why not all of it was written; null: it was
CREATE FUNCTION sync_metadata.end_write(
  tenant_id text, run uuid, claim_epoch bigint, answered boolean, code text, message text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_run(tenant_id, run, claim_epoch);
  UPDATE sync_metadata.replicas AS r
  SET writing_epoch = CASE WHEN NOT answered THEN r.writing_epoch END,
    write_refused_code = code, write_refused = message,
    write_refused_at = CASE
      WHEN code IS NULL THEN NULL WHEN r.write_refused_code = code THEN r.write_refused_at ELSE clock_timestamp()
    END
  WHERE r.tenant = tenant_id;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.begin_write(text, uuid, bigint, bigint),
  sync_metadata.note_written(text, uuid, bigint, text, json),
  sync_metadata.end_write(text, uuid, bigint, boolean, text, text)
TO sync_service;

-- What others wrote meets what the source says, in the transaction that proved the replica equal to it: meet_edits, then
-- undone_edits and lay_edits by turns, then settle_edits.

-- Finds the source's row for each edit of one table, in the replica as it is now. A row without a key cannot be found
-- again: it counts as what it was.
CREATE FUNCTION sync_metadata.meet_table(tenant_id text, edited text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known sync_metadata.replica_tables;
BEGIN
  SELECT * INTO known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = edited;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  EXECUTE format(
    'UPDATE %I._replica_undone AS u SET met = u.base, met_digest = u.base_digest
     WHERE u.source = $1 AND (u.key IS NULL OR u.key IS DISTINCT FROM $2)',
    schema_name
  ) USING edited, known.key;
  IF known.key IS NOT NULL THEN
    EXECUTE format(
      'UPDATE %1$I._replica_undone AS u SET met = %3$s, met_digest = t._replica_digest FROM %1$I.%2$I AS t
       WHERE u.source = %2$L AND u.key = $1 AND u.name = %4$s',
      schema_name, edited, sync_metadata.row_image(known.columns, 't'), sync_metadata.key_expression(known.key, 't')
    ) USING known.key;
  END IF;
END
$$;

-- Brings operators' decisions that no sync applied yet among the edits, unless the row was changed once more. Returns how
-- many were for the source, which is all there is to do about them.
CREATE FUNCTION sync_metadata.bring_resolutions(tenant_id text, job_id bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  resolved bigint;
BEGIN
  UPDATE sync_metadata.conflict_log AS c
    SET winner = 'source', resolved_at = clock_timestamp(), resolved_job = job_id, accepted = NULL
    WHERE c.tenant = tenant_id AND c.winner = 'pending' AND c.accepted = 'source';
  GET DIAGNOSTICS resolved = ROW_COUNT;
  EXECUTE format(
    'INSERT INTO %1$I._replica_undone
       (source, columns, key, name, base, base_digest, remote, edited_at, edited_by, conflict, decided)
     SELECT c."table", c.columns, c.key_columns, c.name, c.source, c.source_digest, coalesce(c.accepted_row, c.remote),
       c.edited_at, c.edited_by, c.id, true
     FROM sync_metadata.conflict_log AS c
     WHERE c.tenant = $1 AND c.winner = ''pending'' AND c.accepted = ''remote''
       AND NOT EXISTS (SELECT FROM %1$I._replica_undone AS u WHERE (u.source, u.name) = (c."table", c.name))',
    sync_metadata.tenant_schema(tenant_id)
  ) USING tenant_id;
  RETURN resolved;
END
$$;

-- Operators' decisions about rows that the source changed since they were shown are not applied: each conflict is opened
-- anew. Where the table is gone, or names its rows otherwise, the source has won.
CREATE FUNCTION sync_metadata.reopen_conflicts(tenant_id text, job_id bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  stale record;
  opened bigint;
  reopened bigint := 0;
BEGIN
  FOR stale IN EXECUTE format(
    'DELETE FROM %I._replica_undone AS u USING sync_metadata.conflict_log AS c
     LEFT JOIN sync_metadata.replica_tables AS t ON t.tenant = c.tenant AND t.name = c."table" AND t.key = c.key_columns
     WHERE u.decided AND NOT u.laid AND c.id = u.conflict
     RETURNING c.id, u.met, u.met_digest, t.columns AS now',
    sync_metadata.tenant_schema(tenant_id)
  ) LOOP
    opened := NULL;
    IF stale.now IS NOT NULL THEN
      INSERT INTO sync_metadata.conflict_log (
        cluster, tenant, "table", key, type, strategy, winner, why, before, source, remote, edited_at, edited_by, job,
        columns, key_columns, name, source_digest
      )
      SELECT c.cluster, c.tenant, c."table", c.key,
        CASE
          WHEN c.before IS NULL THEN CASE WHEN stale.met IS NULL THEN 'none/insert' ELSE 'insert/insert' END
          WHEN stale.met IS NULL THEN 'delete/update'
          WHEN c.remote IS NULL THEN 'update/delete' ELSE 'update/update'
        END,
        c.strategy, 'pending',
        format('The source changed the row after conflict %s was shown: what was decided there was not applied.', c.id),
        c.before, stale.met,
        CASE WHEN c.remote IS NOT NULL THEN sync_metadata.overlaid_image(stale.now, stale.met, c.remote) END,
        c.edited_at, c.edited_by, job_id, stale.now, c.key_columns, c.name, stale.met_digest
      FROM sync_metadata.conflict_log AS c WHERE c.id = stale.id
      RETURNING id INTO opened;
      reopened := reopened + 1;
    END IF;
    UPDATE sync_metadata.conflict_log AS c
      SET winner = 'source', resolved_at = clock_timestamp(), resolved_job = job_id, superseded_by = opened,
        accepted = NULL, accepted_row = NULL,
        why = 'What an operator decided was not applied: the source changed the row, or its table, in the meantime.'
      WHERE c.id = stale.id;
  END LOOP;
  RETURN reopened;
END
$$;

-- Has edits and source meet. What both sides made alike is no matter any more; a decision whose source did not change
-- stands, an operator's that no sync applied yet among them.
-- resolved, reopened  operators' decisions that need nothing more, and such that came too late
CREATE FUNCTION sync_metadata.meet_edits(
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
  EXECUTE format(
    'WITH alike AS (
       DELETE FROM %I._replica_undone AS u
       WHERE u.name IS NOT NULL AND (u.remote_digest = u.met_digest OR num_nonnulls(u.remote, u.met) = 0)
       RETURNING u.conflict, u.decided
     )
     UPDATE sync_metadata.conflict_log AS c
     SET winner = ''remote'', resolved_at = clock_timestamp(), resolved_job = $1, accepted = NULL, accepted_row = NULL
     FROM alike AS a WHERE a.decided AND c.id = a.conflict',
    schema_name
  ) USING job_id;
  GET DIAGNOSTICS alike = ROW_COUNT;
  resolved := resolved + alike;
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

-- Edits about which nothing is decided yet, in their order, behind the one with the id `after`: some hundreds at most,
-- and some megabytes, but always one where there is one.
-- base, met, remote  the row as last verified, as the source has it now, as others left it
-- reshaped           the table's columns are others than when the row was written
CREATE FUNCTION sync_metadata.undone_edits(tenant_id text, after bigint) RETURNS TABLE (
  id bigint, source text, key jsonb, columns jsonb, reshaped boolean, base json, met json, remote json,
  edited_at timestamptz, conflict bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  RETURN QUERY EXECUTE format(
    'SELECT u.id, u.source, sync_metadata.shown_key(u.key, u.name), coalesce(t.columns, u.columns),
       u.columns IS DISTINCT FROM t.columns, u.base, u.met, u.remote, u.edited_at, u.conflict
     FROM (
       SELECT s.*, sum(s.bytes) OVER (ORDER BY s.id) - s.bytes AS before FROM (
         SELECT n.*, coalesce(pg_column_size(n.base), 0) + coalesce(pg_column_size(n.met), 0)
           + coalesce(pg_column_size(n.remote), 0) AS bytes
         FROM %I._replica_undone AS n WHERE NOT n.laid AND n.id > $2 ORDER BY n.id LIMIT 500
       ) AS s
     ) AS u LEFT JOIN sync_metadata.replica_tables AS t ON t.tenant = $1 AND t.name = u.source
     WHERE u.before < 4000000
     ORDER BY u.id',
    sync_metadata.tenant_schema(tenant_id)
  ) USING tenant_id, after;
END
$$;

-- Writes decisions about such edits into the log, and marks what is to be laid over the source's rows.
-- decisions  [{"id", "type", "strategy", "winner", "why", "row"?, "stands"?}]; row: what wins, where that is not just what
--            others wrote; stands: it was decided before, and is no new conflict
-- Returns, per new conflict, its type, strategy and winner: the source's, where a row cannot be held.
CREATE FUNCTION sync_metadata.lay_edits(tenant_id text, claim_epoch bigint, job_id bigint, decisions json)
RETURNS TABLE (source text, type text, strategy text, winner text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1 SET bytea_output = hex
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known sync_metadata.replica_tables;
  decided record;
  image json;
  name text[];
  logged bigint;
  note text;
BEGIN
  PERFORM sync_metadata.require_claim(tenant_id, claim_epoch);
  FOR decided IN EXECUTE format(
    'SELECT d.*, u.source, u.key, u.name, u.columns, u.base, u.met, u.met_digest, u.remote, u.edited_at, u.edited_by, u.conflict
     FROM json_to_recordset($1) AS d
       (id bigint, type text, strategy text, winner text, why text, "row" json, stands boolean)
     JOIN %I._replica_undone AS u ON u.id = d.id AND NOT u.laid ORDER BY u.id',
    schema_name
  ) USING decisions LOOP
    source := decided.source;
    type := decided.type;
    strategy := decided.strategy;
    winner := decided.winner;
    note := decided.why;
    SELECT * INTO known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = decided.source;
    image := NULL;
    IF winner IN ('remote', 'merged') THEN
      image := decided.remote;
      name := decided.name;
      IF decided.row IS NOT NULL THEN
        BEGIN
          SELECT h.held, h.name INTO image, name
            FROM sync_metadata.held_image(known, sync_metadata.overlaid_image(known.columns, NULL, decided.row)) AS h;
        EXCEPTION WHEN data_exception THEN
          name := NULL;
          note := format('%s It cannot be held: %s.', note, SQLERRM);
        END;
      END IF;
      -- Without a key no row is found again; and a row with another key is another row.
      IF name IS NULL OR name <> decided.name OR known.key IS DISTINCT FROM decided.key THEN
        winner := 'source';
        note := note || ' The source''s row stays, because this one cannot stand for it.';
      END IF;
    END IF;

    logged := decided.conflict;
    IF NOT coalesce(decided.stands, false) OR winner = 'source' THEN
      INSERT INTO sync_metadata.conflict_log (
        cluster, tenant, "table", key, type, strategy, winner, why, before, source, remote, result, edited_at, edited_by,
        resolved_at, job, columns, key_columns, name, source_digest
      ) VALUES (
        sync_metadata.own_cluster(), tenant_id, decided.source, sync_metadata.shown_key(decided.key, decided.name), type,
        strategy, winner, note, decided.base, decided.met, decided.remote,
        CASE WHEN winner IN ('remote', 'merged') THEN image END, decided.edited_at, decided.edited_by,
        CASE WHEN winner <> 'pending' THEN clock_timestamp() END, job_id,
        coalesce(known.columns, decided.columns), decided.key, decided.name, decided.met_digest
      ) RETURNING id INTO logged;
      UPDATE sync_metadata.conflict_log AS c
        SET winner = 'source', resolved_at = clock_timestamp(), resolved_job = job_id, superseded_by = logged,
          accepted = NULL, accepted_row = NULL, why = 'The row was changed once more before anybody decided.'
        WHERE c.tenant = tenant_id AND c.winner = 'pending' AND (c."table", c.name) = (decided.source, decided.name)
          AND c.id <> logged;
      RETURN NEXT;
    END IF;
    IF winner IN ('remote', 'merged') THEN
      EXECUTE format('UPDATE %I._replica_undone SET laid = true, result = $2, conflict = $3 WHERE id = $1', schema_name)
        USING decided.id, image, logged;
    END IF;
  END LOOP;
END
$$;

-- Lays over one table's proven rows what was decided, and lists it as edits whose base is the source's row: so the next
-- sync takes it off again like any other.
CREATE FUNCTION sync_metadata.lay_table(tenant_id text, edited text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_nestloop = off
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known sync_metadata.replica_tables;
  columns text;
  given text;
  written text;
  listed text := format(
    'INSERT INTO %1$I._replica_edits (source, op, before, before_digest, before_name, after, after_digest, after_name,
       edited_at, edited_by, conflict)
     SELECT u.source, CASE WHEN u.met IS NULL THEN ''insert'' WHEN u.result IS NULL THEN ''delete'' ELSE ''update'' END,
       u.met, u.met_digest, CASE WHEN u.met IS NOT NULL THEN u.name END,
       l.image, l.digest, l.name, u.edited_at, u.edited_by, u.conflict
     FROM laid AS l JOIN %1$I._replica_undone AS u ON u.source = %2$L AND u.laid AND ',
    schema_name, edited
  );
BEGIN
  SELECT * INTO STRICT known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = edited;
  columns := sync_metadata.filled_columns(known.columns);
  given := format(
    '%I._replica_undone AS u CROSS JOIN LATERAL json_to_record(u.result) AS i (%s)',
    schema_name, sync_metadata.image_columns(known.columns)
  );
  written := format(
    '%s AS image, t._replica_digest AS digest, %s AS name',
    sync_metadata.row_image(known.columns, 't'), sync_metadata.key_expression(known.key, 't')
  );
  EXECUTE format(
    'WITH laid AS (
       UPDATE %1$I.%2$I AS t SET (%3$s) = ROW(%4$s) FROM %5$s
       WHERE u.source = %2$L AND u.laid AND u.result IS NOT NULL AND t._replica_digest = u.met_digest RETURNING u.id, %6$s
     ) ',
    schema_name, edited, columns, sync_metadata.image_values(known.columns, 'i'), given, written
  ) || listed || 'u.id = l.id';
  EXECUTE format(
    'WITH laid AS (
       DELETE FROM %1$I.%2$I AS t USING %1$I._replica_undone AS u
       WHERE u.source = %2$L AND u.laid AND u.result IS NULL AND t._replica_digest = u.met_digest
       RETURNING u.id, NULL::json AS image, NULL::bytea AS digest, NULL::text[] AS name
     ) ',
    schema_name, edited
  ) || listed || 'u.id = l.id';
  EXECUTE format(
    'WITH laid AS (
       INSERT INTO %1$I.%2$I AS t (%3$s) SELECT %4$s FROM %5$s
       WHERE u.source = %2$L AND u.laid AND u.result IS NOT NULL AND u.met_digest IS NULL RETURNING %6$s
     ) ',
    schema_name, edited, columns, sync_metadata.image_values(known.columns, 'i'), given, written
  ) || listed || 'u.name = l.name AND u.met_digest IS NULL';
END
$$;

-- Lays what stands, notes it, and ends what the sync kept aside. Returns the rows that differ from the source by decision.
-- resolved  operators' decisions that were applied
CREATE FUNCTION sync_metadata.settle_edits(
  tenant_id text, claim_epoch bigint, job_id bigint, OUT decided bigint, OUT resolved bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1 SET bytea_output = hex
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  edited text;
BEGIN
  PERFORM sync_metadata.require_claim(tenant_id, claim_epoch);
  FOR edited IN EXECUTE format('SELECT DISTINCT u.source FROM %I._replica_undone AS u WHERE u.laid', schema_name) LOOP
    PERFORM sync_metadata.lay_table(tenant_id, edited);
  END LOOP;
  EXECUTE format(
    'UPDATE sync_metadata.conflict_log AS c
     SET winner = CASE WHEN c.accepted_row IS NULL THEN ''remote'' ELSE ''merged'' END, result = u.result,
       resolved_at = clock_timestamp(), resolved_job = $1, accepted = NULL, accepted_row = NULL
     FROM %I._replica_undone AS u WHERE u.decided AND u.laid AND c.id = u.conflict',
    schema_name
  ) USING job_id;
  GET DIAGNOSTICS resolved = ROW_COUNT;
  EXECUTE format('DELETE FROM %I._replica_undone', schema_name);
  EXECUTE format('SELECT count(*) FROM %I._replica_edits', schema_name) INTO decided;
  UPDATE sync_metadata.replicas AS r SET decided = settle_edits.decided
    WHERE r.tenant = tenant_id AND r.decided <> settle_edits.decided;
END
$$;

-- An operator's word about a conflict that waits: the next sync applies it, if the source's row is then still the one that
-- was shown. A word that no sync applied yet can be replaced.
-- edited      the columns to change in the remote row, by name; null: as it is. Only where `accept` is remote.
-- decided_by  whom the operator's token names
-- False: no such conflict of the own cluster waits. A value that its column cannot hold, or another key, is an error.
CREATE FUNCTION sync_metadata.resolve_conflict(conflict bigint, accept text, edited json, decided_by text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1 SET bytea_output = hex
AS $$
DECLARE
  waiting sync_metadata.conflict_log;
  known sync_metadata.replica_tables;
  image json;
  name text[];
BEGIN
  SELECT * INTO waiting FROM sync_metadata.conflict_log AS c
    WHERE c.id = conflict AND c.cluster = sync_metadata.own_cluster() AND c.winner = 'pending' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF edited IS NOT NULL THEN
    IF accept IS DISTINCT FROM 'remote' THEN
      RAISE EXCEPTION 'an edited row stands for the remote one' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    known.columns := waiting.columns;
    known.key := waiting.key_columns;
    SELECT h.held, h.name INTO image, name FROM sync_metadata.held_image(
      known, sync_metadata.overlaid_image(waiting.columns, coalesce(waiting.remote, waiting.source), edited)
    ) AS h;
    IF name <> waiting.name THEN
      RAISE EXCEPTION 'the row has the key %, which stays', waiting.key USING ERRCODE = 'invalid_parameter_value';
    END IF;
  END IF;
  UPDATE sync_metadata.conflict_log AS c
    SET accepted = accept, accepted_row = image, accepted_at = clock_timestamp(), decided_by = resolve_conflict.decided_by
    WHERE c.id = conflict;
  RETURN true;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.meet_edits(text, bigint, bigint), sync_metadata.undone_edits(text, bigint),
  sync_metadata.lay_edits(text, bigint, bigint, json), sync_metadata.settle_edits(text, bigint, bigint),
  sync_metadata.resolve_conflict(bigint, text, json, text)
TO sync_service;

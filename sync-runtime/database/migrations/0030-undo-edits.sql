-- A sync works on the replica as it was last verified: what others wrote since is taken off first, in the sync's own
-- transaction, and kept aside until the sync knows what the source says about the same rows.

-- Takes the edits of one table off, as multisets of digests, and notes what they came to. A row that was written in place
-- goes back in place, so that a writer who waits for this transaction finds it again.
CREATE FUNCTION sync_metadata.undo_table(tenant_id text, edited text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
-- Nothing is known of what was just written; only a hash join is never far off.
SET enable_nestloop = off
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known sync_metadata.replica_tables;
  -- What there is too much of (n > 0) or too little, with the last edit that brought it or took it away.
  net text := format(
    'WITH touched AS MATERIALIZED (
       SELECT e.id, d.*, e.conflict FROM %1$I._replica_edits AS e
       CROSS JOIN LATERAL (VALUES (e.after_digest, e.after_name, 1), (e.before_digest, e.before_name, -1))
         AS d (digest, name, n)
       WHERE e.source = %2$L AND d.digest IS NOT NULL
     ), summed AS (
       SELECT digest, name, sum(n) AS n, max(id) FILTER (WHERE n > 0) AS came, max(id) FILTER (WHERE n < 0) AS went
       FROM touched GROUP BY digest, name HAVING sum(n) <> 0
     ), net AS MATERIALIZED (
       SELECT *, name IS NOT NULL AND (count(*) OVER one, min(n) OVER one, max(n) OVER one) = (2, -1, 1) AS paired
       FROM summed WINDOW one AS (PARTITION BY name)
     ) ',
    schema_name, edited
  );
  columns text;
  image text;
BEGIN
  SELECT * INTO STRICT known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = edited;
  columns := sync_metadata.filled_columns(known.columns);
  image := format('AS i (%s)', sync_metadata.image_columns(known.columns));
  EXECUTE net || format(
    'INSERT INTO %1$I._replica_undone
       (source, columns, key, name, base, base_digest, remote, remote_digest, edited_at, edited_by, conflict)
     SELECT %2$L, $1, $2, g.name, b.before, b.before_digest, r.after, r.after_digest, l.edited_at, l.edited_by, g.conflict
     FROM %3$s
     LEFT JOIN %1$I._replica_edits AS b ON b.id = g.went
     LEFT JOIN %1$I._replica_edits AS r ON r.id = g.came
     JOIN %1$I._replica_edits AS l ON l.id = g.last',
    schema_name, edited,
    CASE WHEN known.key IS NULL THEN
      '(
        SELECT n.name, CASE WHEN n.n > 0 THEN n.came END AS came, CASE WHEN n.n < 0 THEN n.went END AS went,
          greatest(n.came, n.went) AS last, NULL::bigint AS conflict
        FROM net AS n CROSS JOIN generate_series(1, abs(n.n))
      ) AS g'
    ELSE
      '(
        SELECT n.name, max(n.came) FILTER (WHERE n.n > 0) AS came, max(n.went) FILTER (WHERE n.n < 0) AS went
        FROM net AS n GROUP BY n.name
      ) AS s
      JOIN (
        SELECT t.name, max(t.id) AS last, CASE WHEN bool_and(t.conflict IS NOT NULL) THEN max(t.conflict) END AS conflict
        FROM touched AS t GROUP BY t.name
      ) AS o USING (name)
      CROSS JOIN LATERAL (SELECT s.name, s.came, s.went, o.last, o.conflict) AS g'
    END
  ) USING known.columns, known.key;

  EXECUTE net || format(
    'UPDATE %1$I.%2$I AS t SET (%3$s) = ROW(%4$s)
     FROM (SELECT max(came) AS came, max(went) AS went FROM net WHERE paired GROUP BY name) AS p
     JOIN %1$I._replica_edits AS r ON r.id = p.came
     JOIN %1$I._replica_edits AS b ON b.id = p.went
     CROSS JOIN LATERAL json_to_record(b.before) %5$s
     WHERE t._replica_digest = r.after_digest',
    schema_name, edited, columns, sync_metadata.image_values(known.columns, 'i'), image
  );
  EXECUTE net || format(
    'DELETE FROM %1$I.%2$I AS t WHERE t.ctid = ANY (ARRAY(
       SELECT d.row_id FROM (
         SELECT h.ctid AS row_id, n.n, row_number() OVER (PARTITION BY n.digest) AS nth
         FROM net AS n JOIN %1$I.%2$I AS h ON h._replica_digest = n.digest WHERE n.n > 0 AND NOT n.paired
       ) AS d WHERE d.nth <= d.n
     ))',
    schema_name, edited
  );
  EXECUTE net || format(
    'INSERT INTO %1$I.%2$I (%3$s) SELECT %4$s
     FROM net AS n JOIN %1$I._replica_edits AS b ON b.id = n.went
     CROSS JOIN generate_series(1, -n.n) CROSS JOIN LATERAL json_to_record(b.before) %5$s
     WHERE n.n < 0 AND NOT n.paired',
    schema_name, edited, columns, sync_metadata.image_values(known.columns, 'i'), image
  );
  -- Whoever inserts a row whose key is there already has changed that row.
  EXECUTE format(
    'UPDATE %1$I._replica_undone AS u SET base = %3$s, base_digest = t._replica_digest FROM %1$I.%2$I AS t
     WHERE u.source = %2$L AND u.base_digest IS NULL AND u.name = %4$s',
    schema_name, edited, sync_metadata.row_image(known.columns, 't'),
    coalesce(sync_metadata.key_expression(known.key, 't'), 'NULL')
  );
END
$$;

-- Takes off what others wrote into a replica since it was last verified. Until the transaction ends nobody else writes
-- there: who wants to waits. One who has written and not committed is waited for, as long as patience says.
-- edits        entries taken off the list
-- resolutions  conflicts that an operator decided and no sync applied yet
CREATE FUNCTION sync_metadata.undo_edits(tenant_id text, patience interval, OUT edits bigint, OUT resolutions bigint)
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
  EXECUTE format('DELETE FROM %I._replica_edits', schema_name);
END
$$;

-- Waits until no other transaction has an edit open, and lets none begin one.
CREATE FUNCTION sync_metadata.lock_edits(schema_name text, patience interval) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  writers text;
BEGIN
  PERFORM set_config('lock_timeout', (1000 * extract(epoch FROM patience))::integer::text, true);
  EXECUTE format('LOCK TABLE %I._replica_edits IN SHARE ROW EXCLUSIVE MODE', schema_name);
EXCEPTION WHEN lock_not_available THEN
  SELECT string_agg(format('%s (process %s%s)', a.usename, a.pid, coalesce(', ' || nullif(a.application_name, ''), '')), ', ')
    INTO writers
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.relation = to_regclass(format('%I._replica_edits', schema_name)) AND l.granted AND l.pid <> pg_backend_pid()
      AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock');
  RAISE EXCEPTION 'a transaction that writes into % is open: %', schema_name, coalesce(writers, 'it has just ended')
    USING ERRCODE = 'lock_not_available';
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.undo_edits(text, interval) TO sync_service;

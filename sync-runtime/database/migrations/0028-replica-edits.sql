-- What somebody other than the nodes writes into a replica is noted, row by row, so that the next sync can take it off
-- again, exactly, and decide about it. The nodes' own writes pay one comparison of names a row.

-- A row as lossless text: {"column": text or null} by the source's names, and _replica_odd. Each value is what Postgres
-- writes for it, so json stays the text it was; whoever evaluates this pins extra_float_digits and bytea_output.
-- alias: the row's alias in the statement
CREATE FUNCTION sync_metadata.row_image(columns jsonb, alias text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(
    'json_object(ARRAY[''_replica_odd'', %s], ARRAY[%s._replica_odd::text, %s])',
    string_agg(quote_literal(c.name), ', ' ORDER BY c.name), alias,
    string_agg(format('%s.%I::text', alias, sync_metadata.held_name(c.name)), ', ' ORDER BY c.name)
  )
  FROM jsonb_to_recordset(columns) AS c (name text)
$$;

-- The other way round: an image as a row of texts, `json_to_record(image) AS <alias> (<this>)`.
CREATE FUNCTION sync_metadata.image_columns(columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT '_replica_odd text' || string_agg(format(', %I text', c ->> 'name'), '' ORDER BY place)
  FROM jsonb_array_elements(columns) WITH ORDINALITY AS l (c, place)
$$;

-- Those texts as the values they are, in the order of filled_columns.
CREATE FUNCTION sync_metadata.image_values(columns jsonb, alias text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('%s._replica_odd::jsonb', alias)
    || string_agg(format(', %s.%I::%s', alias, c ->> 'name', c ->> 'type'), '' ORDER BY place)
  FROM jsonb_array_elements(columns) WITH ORDINALITY AS l (c, place)
$$;

-- Makes a tenant's list of edits, which a cluster's login may read (whoever restores a replica leaves the edits out), and
-- the place where a sync keeps what it took off. Both are written by functions alone.
CREATE FUNCTION sync_metadata.make_edits(schema_name text) RETURNS void
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
      laid boolean NOT NULL DEFAULT false, result json COMPRESSION lz4
    )',
    schema_name
  );
END
$$;

-- Makes whoever is about to write wait for a sync that runs, before a row is locked: a writer that held a row and then
-- waited would stop the sync, which waits for the row.
CREATE FUNCTION sync_metadata.await_sync() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('LOCK TABLE %I._replica_edits IN ROW EXCLUSIVE MODE', TG_TABLE_SCHEMA);
  RETURN NULL;
END
$$;

-- A row that a trigger was given, as the list keeps it: image, digest, name. parameter: where the statement has the row.
CREATE FUNCTION sync_metadata.noted_row(known sync_metadata.replica_tables, parameter text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format(
    'SELECT %s AS image, %s AS digest, %s AS name FROM (SELECT (%s).*) AS t',
    sync_metadata.row_image(known.columns, 't'), sync_metadata.stored_digest(known.tenant, known.name),
    coalesce(sync_metadata.key_expression(known.key, 't'), 'NULL::text[]'), parameter
  )
$$;

-- Notes one row that somebody wrote. What leaves the digest as it was leaves nothing to take off.
CREATE FUNCTION sync_metadata.note_edit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1 SET bytea_output = hex
AS $$
DECLARE
  known sync_metadata.replica_tables;
  nothing text := 'SELECT NULL::json AS image, NULL::bytea AS digest, NULL::text[] AS name';
BEGIN
  SELECT * INTO known FROM sync_metadata.replica_tables AS t WHERE t.tenant = TG_ARGV[0] AND t.name = TG_TABLE_NAME;
  IF FOUND THEN
    EXECUTE format(
      'INSERT INTO %I._replica_edits (source, op, before, before_digest, before_name, after, after_digest, after_name)
       SELECT $1, $2, b.*, a.* FROM (%s) AS b, (%s) AS a WHERE b.digest IS DISTINCT FROM a.digest',
      TG_TABLE_SCHEMA,
      CASE TG_OP WHEN 'INSERT' THEN nothing ELSE sync_metadata.noted_row(known, '$3') END,
      CASE TG_OP WHEN 'DELETE' THEN nothing ELSE sync_metadata.noted_row(known, '$4') END
    ) USING known.name, lower(TG_OP), OLD, NEW;
  END IF;
  RETURN NULL;
END
$$;

CREATE FUNCTION sync_metadata.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'table %.% cannot be truncated: it is a replica, and what changes in it is noted row by row',
    TG_TABLE_SCHEMA, TG_TABLE_NAME
    USING ERRCODE = 'feature_not_supported', HINT = 'DELETE the rows; the next sync then decides about each.';
END
$$;

-- Has what others than the logins of the tenant's cluster write noted, in all of a replica's tables or in one. The names
-- stand in the triggers: a COPY of the nodes then compares each row with a constant and is done. Where the triggers
-- are there, by the same names and enabled, nothing is locked or made.
CREATE FUNCTION sync_metadata.watch_edits(tenant_id text, only_source text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
  logins name[] := ARRAY(
    SELECT l.login FROM sync_metadata.cluster_logins AS l
    JOIN sync_metadata.client_deployments AS d ON d.cluster = l.cluster WHERE d.id = tenant_id ORDER BY l.login
  );
  arguments text := (
    SELECT string_agg(quote_literal(a), ', ' ORDER BY place)
    FROM unnest(ARRAY[tenant_id] || logins::text[]) WITH ORDINALITY AS u (a, place)
  );
  stored bytea := (
    SELECT string_agg(convert_to(a, 'UTF8') || '\x00'::bytea, '' ORDER BY place)
    FROM unnest(ARRAY[tenant_id] || logins::text[]) WITH ORDINALITY AS u (a, place)
  );
  watched text;
BEGIN
  FOR watched IN
    SELECT c.oid::regclass::text
    FROM sync_metadata.replica_tables AS t
    JOIN pg_class AS c ON c.relname = t.name AND c.relkind = 'r'
      AND c.relnamespace = to_regnamespace(quote_ident(sync_metadata.tenant_schema(tenant_id)))
    WHERE t.tenant = tenant_id AND (only_source IS NULL OR t.name = only_source) AND 3 > (
      SELECT count(*) FROM pg_trigger AS g
      WHERE g.tgrelid = c.oid AND g.tgname IN ('_replica_await', '_replica_note', '_replica_truncate')
        AND g.tgenabled = 'O' AND g.tgargs = stored
    )
  LOOP
    EXECUTE format(
      'DROP TRIGGER IF EXISTS _replica_await ON %1$s;
       DROP TRIGGER IF EXISTS _replica_note ON %1$s;
       DROP TRIGGER IF EXISTS _replica_truncate ON %1$s;
       CREATE TRIGGER _replica_await BEFORE INSERT OR UPDATE OR DELETE ON %1$s
         FOR EACH STATEMENT WHEN (session_user <> ALL (%2$L::name[])) EXECUTE FUNCTION sync_metadata.await_sync(%3$s);
       CREATE TRIGGER _replica_note AFTER INSERT OR UPDATE OR DELETE ON %1$s
         FOR EACH ROW WHEN (session_user <> ALL (%2$L::name[])) EXECUTE FUNCTION sync_metadata.note_edit(%3$s);
       CREATE TRIGGER _replica_truncate BEFORE TRUNCATE ON %1$s
         FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.refuse_truncate(%3$s)',
      watched, logins, arguments
    );
  END LOOP;
END
$$;

-- A table's row in replica_tables is written behind the table itself: it is watched from its first moment, in the same
-- transaction, whatever way it was made.
CREATE FUNCTION sync_metadata.watch_table() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.watch_edits(NEW.tenant, NEW.name);
  RETURN NULL;
END
$$;
CREATE TRIGGER watch_edits AFTER INSERT ON sync_metadata.replica_tables
FOR EACH ROW EXECUTE FUNCTION sync_metadata.watch_table();

-- As it was, with the list of edits.
CREATE OR REPLACE FUNCTION sync_metadata.make_tenant_schema(tenant_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  INSERT INTO sync_metadata.replicas (tenant, cluster)
    VALUES (tenant_id, sync_metadata.own_cluster()) ON CONFLICT DO NOTHING;
  IF to_regnamespace(quote_ident(schema_name)) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE SCHEMA %I', schema_name);
  PERFORM sync_metadata.grant_tenant_schema(tenant_id);
  -- What vanished from the source, whole. Nobody but fleet_owner reads or writes it.
  EXECUTE format(
    'CREATE TABLE %I._replica_tombstones (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      source text NOT NULL,
      reason text NOT NULL CHECK (reason IN (''row'', ''column'', ''table'')),
      content json COMPRESSION lz4 NOT NULL,
      retired_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )',
    schema_name
  );
  PERFORM sync_metadata.make_removed(schema_name);
  PERFORM sync_metadata.make_edits(schema_name);
END
$$;

SELECT sync_metadata.make_edits(sync_metadata.tenant_schema(r.tenant)) FROM sync_metadata.replicas AS r;
SELECT sync_metadata.watch_edits(r.tenant) FROM sync_metadata.replicas AS r;

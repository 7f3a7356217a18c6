-- Deep verification: Postgres computes every digest anew from the values it holds, whatever stands in the generated
-- column. That finds what an ordinary sync cannot: values altered while the column's generation was off, bits that
-- rotted, a digest that somebody wrote.
-- Nothing here is a definer function that reads a temporary table (0010 says why); what is rebuilt is named alone.

GRANT EXECUTE ON FUNCTION sync_metadata.digest_expression(text, jsonb), sync_metadata.length_prefixed(text),
  sync_metadata.concatenation(text[]), sync_metadata.key_expression(text[], text), sync_metadata.held_name(text)
TO sync_service;

-- What deep verifications found, row by row; kept with the job, and some hundreds a job at most. The job has them
-- counted in full.
CREATE TABLE sync_metadata.replica_differences (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  tenant text NOT NULL REFERENCES sync_metadata.client_deployments (id),
  job bigint NOT NULL REFERENCES sync_metadata.sync_jobs (id) ON DELETE CASCADE,
  source text NOT NULL,
  -- The key's columns as text, cut off after 200 characters; null where the table has no key.
  key jsonb,
  -- altered: the replica had other values. missing: it had no such row. extra: the source has none. digest: the row was
  -- right, and its stored digest was not.
  what text NOT NULL CHECK (what IN ('altered', 'missing', 'extra', 'digest')),
  found_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX replica_differences_job ON sync_metadata.replica_differences (job);

ALTER TABLE sync_metadata.replica_differences ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.replica_differences FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster_finds ON sync_metadata.replica_differences FOR INSERT TO sync_service
  WITH CHECK (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT, INSERT ON sync_metadata.replica_differences TO sync_service;

ALTER TABLE sync_metadata.sync_jobs
  -- Table by table what a deep verification found: [{"table", "altered", "missing", "extra", "digest"}], rows.
  ADD COLUMN differing jsonb;
-- Rows with a value that Postgres cannot hold in its column, as last counted.
ALTER TABLE sync_metadata.replica_tables ADD COLUMN odd_rows bigint NOT NULL DEFAULT 0;
GRANT UPDATE (odd_rows) ON sync_metadata.replica_tables TO sync_service;

-- Whether a table's digest column is the one it should have: generated, and by the very expression. A table made for the
-- purpose says how Postgres writes that down.
CREATE FUNCTION sync_metadata.generates_digests(tenant_id text, source text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
  target text := format('%I.%I', sync_metadata.tenant_schema(tenant_id), source);
  known jsonb := (
    SELECT t.columns FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source
  );
  generated boolean;
BEGIN
  EXECUTE format('CREATE TEMPORARY TABLE expected (LIKE %s)', target);
  EXECUTE format(
    'ALTER TABLE pg_temp.expected DROP COLUMN IF EXISTS _replica_digest,
       ADD COLUMN _replica_digest bytea GENERATED ALWAYS AS (%s) STORED',
    sync_metadata.digest_expression(source, known)
  );
  SELECT count(*) = 2 AND count(DISTINCT pg_get_expr(d.adbin, d.adrelid)) = 1 INTO generated
    FROM pg_attribute AS a JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid IN (to_regclass(target), to_regclass('pg_temp.expected'))
      AND a.attname = '_replica_digest' AND a.attgenerated = 's';
  DROP TABLE pg_temp.expected;
  RETURN generated;
END
$$;

-- The expression of a stored digest, for a statement; a table that has none has no digest anywhere.
CREATE FUNCTION sync_metadata.stored_digest(tenant_id text, source text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN EXISTS (
    SELECT FROM pg_attribute AS a
    WHERE a.attrelid = to_regclass(format('%I.%I', sync_metadata.tenant_schema(tenant_id), source))
      AND a.attname = '_replica_digest' AND NOT a.attisdropped
  ) THEN '_replica_digest' ELSE 'NULL::bytea' END
$$;

-- A table's rows and sum, from digests computed here and now, and how many stored ones say something else.
CREATE FUNCTION sync_metadata.read_back(tenant_id text, source text, OUT rows bigint, OUT sum text, OUT wrong bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known jsonb := (
    SELECT t.columns FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source
  );
BEGIN
  EXECUTE format(
    'SELECT count(*), concat(
       sync_metadata.lane_hex(coalesce(sum(substring(d from 1 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 65 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 129 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 193 for 64)::bit(64)::bigint), 0))),
       count(*) FILTER (WHERE wrong)
     FROM (
       SELECT (''x'' || encode(digest, ''hex''))::bit(256) AS d, digest IS DISTINCT FROM stored AS wrong
       FROM (SELECT %1$s AS digest, %2$s AS stored FROM %3$I.%4$I OFFSET 0) AS r OFFSET 0
     ) AS t',
    sync_metadata.digest_expression(source, known), sync_metadata.stored_digest(tenant_id, source),
    sync_metadata.tenant_schema(tenant_id), source
  ) INTO rows, sum, wrong;
END
$$;

-- What a row is found again by: its key, or its digest where the table has no key. alias: the row's in the statement.
CREATE FUNCTION sync_metadata.row_name(source_key text[], alias text, digest text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
  SELECT coalesce(sync_metadata.key_expression(source_key, alias), format('ARRAY[encode(%s, ''hex'')]', digest))
$$;

-- Notes, in pg_temp.mismatched, which rows of a table have a wrong stored digest: before the digests are rebuilt.
CREATE FUNCTION sync_metadata.note_mismatched(tenant_id text, source text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
  known sync_metadata.replica_tables;
  digest text;
BEGIN
  SELECT * INTO STRICT known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source;
  digest := sync_metadata.digest_expression(source, known.columns);
  CREATE TEMPORARY TABLE IF NOT EXISTS mismatched (source text, name text[], digest bytea) ON COMMIT DROP;
  EXECUTE format(
    'INSERT INTO pg_temp.mismatched
     SELECT %1$L, %2$s, %3$s FROM %4$I.%1$I AS t WHERE %3$s IS DISTINCT FROM %5$s',
    source, sync_metadata.row_name(known.key, 't', digest), digest, sync_metadata.tenant_schema(tenant_id),
    sync_metadata.stored_digest(tenant_id, source)
  );
END
$$;

-- Makes a table's digest column anew, as it should be, and with it the digest of every row.
CREATE FUNCTION sync_metadata.rebuild_digests(tenant_id text, source text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
DECLARE
  known jsonb;
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  SELECT t.columns INTO STRICT known
    FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source;
  EXECUTE format(
    'ALTER TABLE %I.%I DROP COLUMN IF EXISTS _replica_digest,
       ADD COLUMN _replica_digest bytea GENERATED ALWAYS AS (%s) STORED',
    sync_metadata.tenant_schema(tenant_id), source, sync_metadata.digest_expression(source, known)
  );
END
$$;

-- Compares a table whose digests are right with its filled stage, counts what differs, and keeps up to `most` of it.
-- job_id  the verification it is kept with
CREATE FUNCTION sync_metadata.compare_stage(
  tenant_id text, source text, job_id bigint, most integer,
  OUT altered bigint, OUT missing bigint, OUT extra bigint, OUT digest bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
-- Nothing is known of a stage that was just filled; only a hash join is never far off.
SET enable_nestloop = off
AS $$
DECLARE
  known sync_metadata.replica_tables;
BEGIN
  SELECT * INTO STRICT known FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source;
  CREATE TEMPORARY TABLE IF NOT EXISTS mismatched (source text, name text[], digest bytea) ON COMMIT DROP;
  -- Several rows of one name (nobody but an intruder makes them) are told apart by their place.
  EXECUTE format(
    'WITH held AS (
       SELECT n.*, row_number() OVER (PARTITION BY n.name ORDER BY n.digest) AS place
       FROM (SELECT %1$s AS name, t._replica_digest AS digest FROM %2$I.%3$I AS t) AS n
     ), came AS (
       SELECT n.*, row_number() OVER (PARTITION BY n.name ORDER BY n.digest) AS place
       FROM (SELECT %1$s AS name, t._replica_digest AS digest FROM pg_temp.stage AS t) AS n
     ), wrong AS MATERIALIZED (
       SELECT m.name, m.digest FROM pg_temp.mismatched AS m WHERE m.source = %3$L
     ), found AS MATERIALIZED (
       SELECT name, CASE
           WHEN c.digest IS NULL THEN ''extra'' WHEN h.digest IS NULL THEN ''missing''
           WHEN h.digest <> c.digest THEN ''altered'' ELSE ''digest''
         END AS what
       FROM held AS h FULL JOIN came AS c USING (name, place)
       WHERE h.digest IS DISTINCT FROM c.digest OR (h.name, h.digest) IN (SELECT w.name, w.digest FROM wrong AS w)
     ), kept AS (
       INSERT INTO sync_metadata.replica_differences (cluster, tenant, job, source, key, what)
       SELECT sync_metadata.own_cluster(), $1, $2, %3$L, (
           SELECT jsonb_object_agg(k, left(coalesce(f.name[2 * i - 1], f.name[2 * i]), 200))
           FROM unnest($4::text[]) WITH ORDINALITY AS u (k, i)
         ), f.what
       FROM found AS f ORDER BY f.name LIMIT $3
     )
     SELECT count(*) FILTER (WHERE what = ''altered''), count(*) FILTER (WHERE what = ''missing''),
       count(*) FILTER (WHERE what = ''extra''), count(*) FILTER (WHERE what = ''digest'')
     FROM found',
    sync_metadata.row_name(known.key, 't', 't._replica_digest'), sync_metadata.tenant_schema(tenant_id), source
  ) INTO altered, missing, extra, digest USING tenant_id, job_id, most, known.key;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.generates_digests(text, text), sync_metadata.stored_digest(text, text),
  sync_metadata.read_back(text, text), sync_metadata.row_name(text[], text, text),
  sync_metadata.note_mismatched(text, text), sync_metadata.rebuild_digests(text, text),
  sync_metadata.compare_stage(text, text, bigint, integer) TO sync_service;

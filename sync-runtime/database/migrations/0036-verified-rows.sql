-- A replica as it was last verified, for whoever reads it while others' edits stand in it: nothing is locked or written.

-- The statement that reads a table's filled columns: without what others wrote since, and without what stands by decision.
CREATE FUNCTION sync_metadata.verified_rows(tenant_id text, source text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_name text := sync_metadata.tenant_schema(tenant_id);
  known jsonb := (
    SELECT t.columns FROM sync_metadata.replica_tables AS t WHERE t.tenant = tenant_id AND t.name = source
  );
  edited boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I._replica_edits AS e WHERE e.source = $1)', schema_name)
    INTO edited USING source;
  IF NOT edited THEN
    RETURN format('SELECT %s FROM %I.%I', sync_metadata.filled_columns(known), schema_name, source);
  END IF;
  RETURN format(
    'WITH net AS MATERIALIZED (
       SELECT d.digest, sum(d.n) AS n, max(e.id) FILTER (WHERE d.n < 0) AS went
       FROM %1$I._replica_edits AS e
       CROSS JOIN LATERAL (VALUES (e.after_digest, 1), (e.before_digest, -1)) AS d (digest, n)
       WHERE e.source = %2$L AND d.digest IS NOT NULL GROUP BY d.digest HAVING sum(d.n) <> 0
     ), surplus AS MATERIALIZED (
       SELECT r.row_id FROM (
         SELECT h.ctid AS row_id, n.n, row_number() OVER (PARTITION BY n.digest) AS nth
         FROM net AS n JOIN %1$I.%2$I AS h ON h._replica_digest = n.digest WHERE n.n > 0
       ) AS r WHERE r.nth <= r.n
     )
     SELECT %3$s FROM %1$I.%2$I AS t WHERE NOT EXISTS (SELECT FROM surplus AS s WHERE s.row_id = t.ctid)
     UNION ALL
     SELECT %4$s FROM net AS n JOIN %1$I._replica_edits AS b ON b.id = n.went
     CROSS JOIN generate_series(1, -n.n) CROSS JOIN LATERAL json_to_record(b.before) AS i (%5$s) WHERE n.n < 0',
    schema_name, source, sync_metadata.filled_columns(known), sync_metadata.image_values(known, 'i'),
    sync_metadata.image_columns(known)
  );
END
$$;

-- Rows and sum of the same, from the digests alone.
CREATE FUNCTION sync_metadata.measure_verified(tenant_id text, source text, OUT rows bigint, OUT sum text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- A lane counts once for each row that is there, and once less for each that an edit brought. OFFSET 0 keeps the
  -- planner from converting each digest four times.
  EXECUTE format(
    'SELECT sum(n), concat(
       sync_metadata.lane_hex(coalesce(sum(n * substring(d from 1 for 64)::bit(64)::bigint::numeric), 0)),
       sync_metadata.lane_hex(coalesce(sum(n * substring(d from 65 for 64)::bit(64)::bigint::numeric), 0)),
       sync_metadata.lane_hex(coalesce(sum(n * substring(d from 129 for 64)::bit(64)::bigint::numeric), 0)),
       sync_metadata.lane_hex(coalesce(sum(n * substring(d from 193 for 64)::bit(64)::bigint::numeric), 0)))
     FROM (
       SELECT (''x'' || encode(digest, ''hex''))::bit(256) AS d, n
       FROM (
         SELECT t._replica_digest AS digest, 1 AS n FROM %1$I.%2$I AS t
         UNION ALL SELECT e.after_digest, -1 FROM %1$I._replica_edits AS e WHERE e.source = %2$L AND e.after_digest IS NOT NULL
         UNION ALL SELECT e.before_digest, 1 FROM %1$I._replica_edits AS e WHERE e.source = %2$L AND e.before_digest IS NOT NULL
       ) AS r OFFSET 0
     ) AS t',
    sync_metadata.tenant_schema(tenant_id), source
  ) INTO rows, sum;
  rows := coalesce(rows, 0);
END
$$;

-- How many edits stand in a replica that are no part of what was verified.
CREATE FUNCTION sync_metadata.count_edits(tenant_id text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  edits bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM %I._replica_edits', sync_metadata.tenant_schema(tenant_id)) INTO edits;
  RETURN edits;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.verified_rows(text, text), sync_metadata.measure_verified(text, text),
  sync_metadata.count_edits(text), sync_metadata.image_values(jsonb, text), sync_metadata.image_columns(jsonb)
TO sync_service;

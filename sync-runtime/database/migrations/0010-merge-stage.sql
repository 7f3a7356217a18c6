-- Brings one table's contents over from a staging table. These run with the caller's own rights: a definer function
-- must never read a temporary object, which its caller could have made a view over a function of their choice.

-- Makes pg_temp.stage in the shape of one replica table. Its digests are computed by the same expression.
CREATE FUNCTION sync_metadata.make_stage(tenant_id text, source text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning
AS $$
BEGIN
  DROP TABLE IF EXISTS pg_temp.stage;
  EXECUTE format(
    'CREATE TEMPORARY TABLE stage (LIKE %I.%I INCLUDING GENERATED INCLUDING COMPRESSION) ON COMMIT DROP',
    sync_metadata.tenant_schema(tenant_id), source
  );
END
$$;

-- Makes the replica table hold exactly the rows of pg_temp.stage, as multisets of digests: first what is missing is
-- inserted, then what is too much retires.
CREATE FUNCTION sync_metadata.merge_stage(
  tenant_id text, source text, OUT inserted bigint, OUT retired bigint, OUT tombstoned bigint
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
-- Nothing is known of a stage that was just filled; only a hash join is never far off.
SET enable_nestloop = off
AS $$
DECLARE
  target text := format('%I.%I', sync_metadata.tenant_schema(tenant_id), source);
  names text := '_replica_odd, ' || sync_metadata.identifiers(ARRAY(
    SELECT c ->> 'name'
    FROM sync_metadata.replica_tables AS t, jsonb_array_elements(t.columns) WITH ORDINALITY AS l (c, place)
    WHERE t.tenant = tenant_id AND t.name = source ORDER BY place
  ));
BEGIN
  -- Aliases bear the reserved prefix, so that none of the source's columns has the same name.
  EXECUTE format(
    'INSERT INTO %1$s (%2$s) SELECT %2$s
     FROM (SELECT *, row_number() OVER (PARTITION BY _replica_digest) AS _replica_nth FROM pg_temp.stage) AS s
     LEFT JOIN (SELECT _replica_digest AS _replica_held, count(*) AS _replica_n FROM %1$s GROUP BY 1) AS r
       ON _replica_held = _replica_digest
     WHERE _replica_nth > coalesce(_replica_n, 0)',
    target, names
  );
  GET DIAGNOSTICS inserted = ROW_COUNT;
  EXECUTE format(
    'SELECT w.* FROM (
       SELECT array_agg(r.digest) AS digests, array_agg(r.n - coalesce(s.n, 0)) AS counts
       FROM (SELECT _replica_digest AS digest, count(*) AS n FROM %s GROUP BY 1) AS r
       LEFT JOIN (SELECT _replica_digest AS digest, count(*) AS n FROM pg_temp.stage GROUP BY 1) AS s
         ON s.digest = r.digest
       WHERE r.n > coalesce(s.n, 0) HAVING count(*) > 0
     ) AS g, sync_metadata.retire_rows($1, $2, g.digests, g.counts) AS w',
    target
  ) INTO retired, tombstoned USING tenant_id, source;
  retired := coalesce(retired, 0);
  tombstoned := coalesce(tombstoned, 0);
END
$$;

-- A table's rows and sum, from its stored digests, which only Postgres itself computes (protocol/table-sum.ts).
-- STABLE: measured for several tables in one query, all are seen at one moment.
CREATE FUNCTION sync_metadata.measure_table(tenant_id text, source text, OUT rows bigint, OUT sum text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- OFFSET 0 keeps the planner from converting each digest four times.
  EXECUTE format(
    'SELECT count(*), concat(
       sync_metadata.lane_hex(coalesce(sum(substring(d from 1 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 65 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 129 for 64)::bit(64)::bigint), 0)),
       sync_metadata.lane_hex(coalesce(sum(substring(d from 193 for 64)::bit(64)::bigint), 0)))
     FROM (SELECT (''x'' || encode(_replica_digest, ''hex''))::bit(256) AS d FROM %I.%I OFFSET 0) AS t',
    sync_metadata.tenant_schema(tenant_id), source
  ) INTO rows, sum;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.make_stage(text, text), sync_metadata.merge_stage(text, text),
  sync_metadata.measure_table(text, text) TO sync_service;

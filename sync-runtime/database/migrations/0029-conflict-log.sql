-- What became of rows that others than the nodes changed in a replica: who won, why, and every version there was.
-- Images are those of row_image: {"column": text or null} by the source's names, and _replica_odd; null: no such row.

CREATE TABLE sync_metadata.conflict_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cluster text NOT NULL,
  tenant text NOT NULL REFERENCES sync_metadata.client_deployments (id),
  "table" text NOT NULL,
  -- The key's columns as text; null where the table has no key.
  key jsonb,
  -- What the source did with the row, and what others did with its copy.
  type text NOT NULL CHECK (type IN (
    'update/update', 'update/delete', 'delete/update', 'insert/insert', 'none/update', 'none/delete', 'none/insert'
  )),
  strategy text NOT NULL CHECK (strategy IN ('newest_wins', 'source_wins', 'target_wins', 'merge', 'manual')),
  -- pending: the source's row stands in the replica until an operator decides.
  winner text NOT NULL CHECK (winner IN ('source', 'remote', 'merged', 'pending')),
  -- A sentence for the operator.
  why text NOT NULL,
  -- The row as last verified, as the source had it, as others left it, and what was laid over the source's row.
  before json COMPRESSION lz4,
  source json COMPRESSION lz4,
  remote json COMPRESSION lz4,
  result json COMPRESSION lz4,
  -- When and by which role the copy was changed last.
  edited_at timestamptz NOT NULL,
  edited_by name NOT NULL,
  -- 'rule', or whom the operator's token names.
  decided_by text NOT NULL DEFAULT 'rule',
  detected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Null while it is pending.
  resolved_at timestamptz,
  -- The job that detected it, and the one that applied an operator's decision.
  job bigint NOT NULL,
  resolved_job bigint,
  -- The conflict that took its place, because the row changed once more.
  superseded_by bigint,
  -- An operator's decision that no sync applied yet: which side, and the row where an edited one was given.
  accepted text CHECK (accepted IN ('source', 'remote')),
  accepted_row json COMPRESSION lz4,
  accepted_at timestamptz,
  -- By which a later sync finds the row again and knows whether it is still what was shown.
  columns jsonb NOT NULL,
  key_columns text[],
  name text[],
  source_digest bytea,
  CHECK ((winner = 'pending') = (resolved_at IS NULL))
);
CREATE INDEX conflict_log_tenant ON sync_metadata.conflict_log (tenant, id);
CREATE INDEX conflict_log_pending ON sync_metadata.conflict_log (tenant) WHERE winner = 'pending';

ALTER TABLE sync_metadata.conflict_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.conflict_log FOR SELECT TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.conflict_log TO sync_service;

-- Rows in which a replica differs from its source by decision, since the last sync.
ALTER TABLE sync_metadata.replicas ADD COLUMN decided bigint NOT NULL DEFAULT 0;

-- An image in a table's columns: each from `over` where that names it, else from `under`. A value that stood beside the
-- row goes with the column's.
CREATE FUNCTION sync_metadata.overlaid_image(columns jsonb, under json, over json) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
  WITH o AS MATERIALIZED (SELECT e.key, e.value FROM json_each_text(over) AS e),
    u AS MATERIALIZED (SELECT e.key, e.value FROM json_each_text(under) AS e)
  SELECT json_object(
    '{_replica_odd}' || array_agg(c.name ORDER BY c.name),
    ARRAY[
      CASE WHEN EXISTS (SELECT FROM o WHERE o.key = '_replica_odd')
        THEN (SELECT o.value FROM o WHERE o.key = '_replica_odd')
        ELSE (
          SELECT nullif(u.value::jsonb - ARRAY(SELECT o.key FROM o), '{}')::text FROM u WHERE u.key = '_replica_odd'
        )
      END
    ] || array_agg(CASE WHEN o.key IS NULL THEN u.value ELSE o.value END ORDER BY c.name)
  )
  FROM jsonb_to_recordset(columns) AS c (name text)
  LEFT JOIN o ON o.key = c.name
  LEFT JOIN u ON u.key = c.name
$$;

-- An image as Postgres writes it once it holds the row, and the row's name. An error says which value it cannot hold.
CREATE FUNCTION sync_metadata.held_image(
  known sync_metadata.replica_tables, image json, OUT held json, OUT name text[]
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format(
    'SELECT %s, %s FROM (SELECT %s FROM json_to_record($1) AS i (%s)) AS t (%s)',
    sync_metadata.row_image(known.columns, 't'),
    coalesce(sync_metadata.key_expression(known.key, 't'), 'NULL::text[]'),
    sync_metadata.image_values(known.columns, 'i'), sync_metadata.image_columns(known.columns),
    sync_metadata.filled_columns(known.columns)
  ) INTO held, name USING image;
END
$$;

-- A row's name as the key that people see: each column's text, or what stands beside the row for it.
CREATE FUNCTION sync_metadata.shown_key(key_columns text[], name text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
  SELECT jsonb_object_agg(k, coalesce(name[2 * i], name[2 * i - 1])) FROM unnest(key_columns) WITH ORDINALITY AS u (k, i)
$$;

-- Removes up to a thousand conflicts of the cluster that were resolved more than 30 days ago. Returns how many went; null
-- to whoever does not lead.
CREATE FUNCTION sync_metadata.prune_conflicts(run uuid, lease_epoch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  pruned bigint;
BEGIN
  IF NOT sync_metadata.leads(run, lease_epoch) THEN
    RETURN NULL;
  END IF;
  DELETE FROM sync_metadata.conflict_log AS c
  WHERE c.id IN (
    SELECT old.id FROM sync_metadata.conflict_log AS old
    WHERE old.cluster = sync_metadata.own_cluster() AND old.resolved_at < clock_timestamp() - interval '30 days'
    LIMIT 1000
  );
  GET DIAGNOSTICS pruned = ROW_COUNT;
  RETURN pruned;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.prune_conflicts(uuid, bigint) TO sync_service;

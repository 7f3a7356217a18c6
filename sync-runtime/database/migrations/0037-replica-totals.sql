-- What a replica holds in all, kept where it is written: a status of a thousand tenants then reads a thousand rows, not one
-- for each of their tables.
ALTER TABLE sync_metadata.replicas
  -- Tables that were verified, and their rows when they were.
  ADD COLUMN tables integer NOT NULL DEFAULT 0,
  ADD COLUMN rows bigint NOT NULL DEFAULT 0;

CREATE FUNCTION sync_metadata.total_replicas() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE sync_metadata.replicas AS r SET tables = total.tables, rows = total.rows
  FROM (SELECT DISTINCT c.tenant FROM changed AS c) AS touched
  CROSS JOIN LATERAL (
    SELECT count(*)::integer AS tables, coalesce(sum(t.rows), 0)::bigint AS rows
    FROM sync_metadata.replica_tables AS t WHERE t.tenant = touched.tenant AND t.sum IS NOT NULL
  ) AS total
  WHERE r.tenant = touched.tenant AND (r.tables, r.rows) IS DISTINCT FROM (total.tables, total.rows);
  RETURN NULL;
END
$$;

CREATE TRIGGER total_added AFTER INSERT ON sync_metadata.replica_tables
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.total_replicas();
CREATE TRIGGER total_changed AFTER UPDATE ON sync_metadata.replica_tables
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.total_replicas();
CREATE TRIGGER total_removed AFTER DELETE ON sync_metadata.replica_tables
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sync_metadata.total_replicas();

UPDATE sync_metadata.replicas AS r SET tables = total.tables, rows = total.rows
FROM (
  SELECT t.tenant, count(*)::integer AS tables, coalesce(sum(t.rows), 0)::bigint AS rows
  FROM sync_metadata.replica_tables AS t WHERE t.sum IS NOT NULL GROUP BY t.tenant
) AS total
WHERE r.tenant = total.tenant;

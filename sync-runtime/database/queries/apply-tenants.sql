-- Writes the declared tenants of one cluster; move-tenants.sql has moved those it knew. A new one begins as provisioning,
-- or as paused where it is declared so. What is declared about pausing a tenant on its way counts when it has arrived.
-- $1 cluster text · $2 tenants json, [{"id", "host", "url", "interval" (seconds), "paused", "conflicts",
-- "direction", "database" or nothing, "licence" or nothing}]
-- Returns one row per tenant that is not as before: id, change (added | updated).
WITH declared AS (
  SELECT t.id, t.host, t.url, make_interval(secs => t.interval) AS sync_interval, t.paused, t.conflicts, t.direction, t.licence,
    t.database
  FROM json_to_recordset($2) AS t (
    id text, host text, url text, interval integer, paused boolean, conflicts jsonb, direction text, licence jsonb,
    database text
  )
),
written AS (
  INSERT INTO sync_metadata.client_deployments AS c (
    id, cluster, host, url, sync_interval, conflicts, direction, licence, live_database, declared_paused, state
  )
  SELECT d.id, $1, d.host, d.url, d.sync_interval, d.conflicts, d.direction, d.licence, d.database, d.paused,
    CASE WHEN d.paused THEN 'paused' ELSE 'provisioning' END
  FROM declared AS d
  ON CONFLICT (id) DO UPDATE
  SET host = excluded.host, url = excluded.url, sync_interval = excluded.sync_interval, conflicts = excluded.conflicts,
    direction = excluded.direction, licence = excluded.licence, live_database = excluded.live_database,
    declared_paused = CASE WHEN c.state = 'migrating' THEN c.declared_paused ELSE excluded.declared_paused END,
    updated_at = clock_timestamp()
  WHERE (c.host, c.url, c.sync_interval, c.conflicts, c.direction)
      <> (excluded.host, excluded.url, excluded.sync_interval, excluded.conflicts, excluded.direction)
    OR (c.licence, c.live_database) IS DISTINCT FROM (excluded.licence, excluded.live_database)
    OR (c.state <> 'migrating' AND c.declared_paused <> excluded.declared_paused)
  RETURNING c.id, CASE WHEN c.xmax = 0 THEN 'added' ELSE 'updated' END AS change
)
SELECT w.id, w.change FROM written AS w ORDER BY w.id

-- Writes the declared tenants of one cluster and retires the others, whose replicas stay.
-- $1 cluster text · $2 tenants json, [{"id", "host", "url", "interval" (seconds), "paused"}]
-- Returns one row per tenant that is not as before: id, change (added | updated | retired).
WITH declared AS (
  SELECT t.id, t.host, t.url, make_interval(secs => t.interval) AS sync_interval,
    CASE WHEN t.paused THEN 'paused' ELSE 'active' END AS state
  FROM json_to_recordset($2) AS t (id text, host text, url text, interval integer, paused boolean)
),
written AS (
  INSERT INTO sync_metadata.client_deployments AS c (id, cluster, host, url, sync_interval, state)
  SELECT d.id, $1, d.host, d.url, d.sync_interval, d.state FROM declared AS d
  ON CONFLICT (id) DO UPDATE
  SET host = excluded.host, url = excluded.url, sync_interval = excluded.sync_interval, state = excluded.state,
    updated_at = clock_timestamp()
  WHERE (c.host, c.url, c.sync_interval, c.state)
    <> (excluded.host, excluded.url, excluded.sync_interval, excluded.state)
  RETURNING c.id, CASE WHEN c.xmax = 0 THEN 'added' ELSE 'updated' END AS change
),
retired AS (
  UPDATE sync_metadata.client_deployments AS c SET state = 'retired', updated_at = clock_timestamp()
  WHERE c.cluster = $1 AND c.state <> 'retired' AND c.id NOT IN (SELECT d.id FROM declared AS d)
  RETURNING c.id, 'retired' AS change
)
SELECT id, change FROM written
UNION ALL
SELECT id, change FROM retired
ORDER BY id

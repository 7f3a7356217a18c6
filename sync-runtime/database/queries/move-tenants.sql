-- Moves the tenants of one cluster to where the stack's config wants them: retired without an entry, back with one, and
-- paused or not where the entry says so now and did not before. What it repeats about pausing moves nothing, and a tenant
-- that is migrating is left alone. Runs before apply-tenants.sql, which writes what was declared.
-- $1 cluster text · $2 tenants json, [{"id", "paused", "database" or nothing}]
-- Returns one row per tenant that was moved: id, change (updated | retired).
WITH declared AS (
  SELECT t.id, t.paused, t.database FROM json_to_recordset($2) AS t (id text, paused boolean, database text)
),
known AS MATERIALIZED (
  SELECT c.id, c.state, c.declared_paused FROM sync_metadata.client_deployments AS c
  WHERE c.cluster = $1 ORDER BY c.id FOR NO KEY UPDATE
),
wanted AS MATERIALIZED (
  SELECT k.id, k.state AS from_state,
    CASE
      WHEN d.id IS NULL THEN CASE WHEN k.state = 'erased' THEN 'erased' ELSE 'retired' END
      WHEN k.state IN ('retired', 'erased') THEN CASE WHEN d.paused THEN 'paused' ELSE awake.state END
      WHEN k.state = 'migrating' OR d.paused = k.declared_paused THEN k.state
      WHEN d.paused THEN 'paused'
      WHEN k.state = 'paused' THEN awake.state
      ELSE k.state
    END AS to_state,
    CASE
      WHEN d.id IS NULL THEN 'the config no longer declares it'
      WHEN k.state IN ('retired', 'erased') THEN 'the config declares it again'
      WHEN d.database IS NOT NULL THEN 'its live database is a Postgres'
      WHEN d.paused THEN 'the config declares it paused'
      ELSE 'the config no longer declares it paused'
    END AS reason
  FROM known AS k LEFT JOIN declared AS d ON d.id = k.id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN sync_metadata.was_verified(k.id) THEN 'active' ELSE 'provisioning' END AS state
  ) AS awake
),
moved AS MATERIALIZED (
  SELECT w.id, w.to_state, sync_metadata.transition(w.id, w.from_state, w.to_state, 'up', w.reason) AS transition
  FROM wanted AS w WHERE w.from_state <> w.to_state
)
SELECT m.id, CASE WHEN m.to_state = 'retired' THEN 'retired' ELSE 'updated' END AS change FROM moved AS m ORDER BY m.id

-- Claims the most urgent job for one node: one that is due, one whose node has been silent for too long, or one of its
-- own that it does not work on (it could not say so when it gave up, because this server was away).
-- Most urgent is a sync that somebody asks for, then a verification that somebody asks for, a retry, a sync at its interval,
-- a verification at its own. Age counts as well, so that nobody starves: each kind is so many seconds behind the first, and a
-- job that has waited longer than that comes before it. None is overtaken by what is due more than 15 minutes later, no sync
-- by what is due more than 3 minutes later.
-- $1 cluster text · $2 node text · $3 run uuid · $4 silence, seconds after which a node counts as dead
-- $5 bigint[], the jobs that the run works on
-- Returns the job with the epoch of its tenant's new claim. No row: nothing is due, or others are taking it.
WITH silent AS MATERIALIZED (
  -- A node that stopped behind the end of its sync and before its COMMIT holds the job itself, which is then nobody's to take:
  -- its connection is ended, and the next look finds the job.
  SELECT count(pg_terminate_backend(a.pid)) AS writers
  FROM sync_metadata.sync_jobs AS j,
    LATERAL (SELECT s.pid, s.usename, s.application_name FROM pg_stat_activity AS s) AS a
  WHERE j.cluster = $1 AND j.status = 'running' AND j.run <> $3
    AND NOT EXISTS (
      SELECT FROM sync_metadata.nodes AS n
      WHERE n.run = j.run AND n.seen_at > clock_timestamp() - make_interval(secs => $4)
    )
    AND a.usename = session_user AND a.application_name = 'sync:' || j.tenant || ':' || j.claim_epoch
),
candidate AS MATERIALIZED (
  SELECT j.id, j.tenant, j.status, j.run, j.due_at + make_interval(secs => CASE
      WHEN j.reason = 'manual' THEN CASE j.kind WHEN 'sync' THEN 0 ELSE 60 END
      WHEN j.reason = 'retry' THEN 120
      WHEN j.reason = 'interval' THEN 180
      ELSE 900
    END) AS turn
  FROM silent, sync_metadata.sync_jobs AS j
  JOIN sync_metadata.client_deployments AS d ON d.id = j.tenant
  WHERE j.cluster = $1 AND (
    (
      j.status = 'queued' AND j.due_at <= clock_timestamp() AND d.live_database IS NULL
      AND (d.state IN ('provisioning', 'active') OR (d.state IN ('paused', 'migrating') AND j.reason = 'manual'))
      AND NOT EXISTS (SELECT FROM sync_metadata.sync_jobs AS r WHERE r.tenant = j.tenant AND r.status = 'running')
    ) OR (
      j.status = 'running'
      AND CASE WHEN j.run = $3 THEN j.id <> ALL ($5::bigint[]) ELSE NOT EXISTS (
        SELECT FROM sync_metadata.nodes AS n
        WHERE n.run = j.run AND n.seen_at > clock_timestamp() - make_interval(secs => $4)
      ) END
    )
  )
  ORDER BY turn, j.id
  LIMIT 50
),
-- Taken in a part of its own: where a row changed in that very moment Postgres looks once more whether it is still wanted, and
-- Postgres 15 crashes when that question holds another query, as the one for candidates does.
job AS MATERIALIZED (
  SELECT j.id, j.tenant, j.status FROM candidate, sync_metadata.sync_jobs AS j
  WHERE j.id = candidate.id AND j.status = candidate.status AND j.run IS NOT DISTINCT FROM candidate.run
  ORDER BY candidate.turn, j.id
  LIMIT 1
  FOR UPDATE OF j SKIP LOCKED
),
-- The former owner of a job left behind may have been paused while it held the claim's lock: its connection, named
-- sync:<tenant>:<epoch> by mark-sync.sql, is ended before that lock is asked for. What it did is rolled back.
ended AS MATERIALIZED (
  SELECT count(pg_terminate_backend(a.pid)) AS writers
  FROM job, LATERAL (SELECT s.pid, s.usename, s.application_name FROM pg_stat_activity AS s) AS a
  WHERE job.status = 'running' AND a.usename = session_user
    AND starts_with(a.application_name, 'sync:' || job.tenant || ':')
),
claim AS (
  INSERT INTO sync_metadata.tenant_claims AS c (tenant, cluster, run) SELECT job.tenant, $1, $3 FROM job, ended
  ON CONFLICT (tenant) DO UPDATE SET epoch = c.epoch + 1, run = excluded.run, claimed_at = clock_timestamp()
  RETURNING c.tenant, c.epoch
)
UPDATE sync_metadata.sync_jobs AS j
SET status = 'running', node = $2, run = $3, claim_epoch = claim.epoch, started_at = clock_timestamp(),
  attempt = j.attempt + CASE WHEN job.status = 'running' THEN 1 ELSE 0 END
FROM job, claim, sync_metadata.client_deployments AS d
LEFT JOIN sync_metadata.replicas AS w ON w.tenant = d.id AND (w.writing_epoch IS NOT NULL OR w.write_refused_code IS NOT NULL),
  sync_metadata.hosts AS h
WHERE j.id = job.id AND claim.tenant = job.tenant AND d.id = job.tenant AND h.cluster = d.cluster AND h.id = d.host
RETURNING j.id, j.tenant, j.kind, j.attempt, j.claim_epoch, job.status = 'running' AS taken_over,
  h.id AS host, h.agent_address, h.agent_identity, d.conflicts, d.direction, h.writer_address, h.writer_identity,
  coalesce(w.writing_epoch IS NOT NULL, false) AS write_open, coalesce(w.write_refused_code IS NOT NULL, false) AS write_refused

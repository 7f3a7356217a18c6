-- Jobs that began, newest first.
-- $1 tenant text, null for all of them · $2 how many at most · $3 continue behind this job, null from the newest
-- No row: nothing ran yet.
SELECT j.id, j.tenant AS client, j.kind, j.reason, j.status, j.attempt, j.node, j.runs,
  coalesce(j.first_started_at, j.started_at) AS first_started_at, j.started_at, j.finished_at,
  extract(epoch FROM coalesce(j.finished_at, clock_timestamp()) - j.started_at)::double precision AS seconds,
  j.rows, j.bytes, j.differences, j.differing, j.progress, j.error_code, j.error
FROM sync_metadata.sync_jobs AS j
WHERE j.started_at IS NOT NULL AND ($1::text IS NULL OR j.tenant = $1) AND ($3::bigint IS NULL OR j.id < $3)
ORDER BY j.id DESC
LIMIT $2

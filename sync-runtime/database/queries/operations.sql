-- Long operations on tenants, newest first.
-- $1 id bigint, null for all · $2 tenant text, null for all · $3 only those that have not ended, boolean
-- $4 continue behind this id, null from the newest · $5 how many at most
SELECT o.id, o.tenant AS client, o.kind, o.request, o.found, o.steps, o.done, o.abortable, o.status, o.actor AS by,
  o.abort_asked_by, o.runner_name AS runner, o.ended_at IS NULL AND o.status <> 'stopped' AND o.held_until >= clock_timestamp() AS held,
  o.error, o.begun_at, o.changed_at, o.ended_at
FROM sync_metadata.operations AS o
WHERE ($1::bigint IS NULL OR o.id = $1) AND ($2::text IS NULL OR o.tenant = $2)
  AND (NOT $3::boolean OR o.ended_at IS NULL) AND ($4::bigint IS NULL OR o.id < $4)
ORDER BY o.id DESC
LIMIT $5

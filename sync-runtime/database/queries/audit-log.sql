-- What operators wrote, newest first.
-- $1 subject text, null for all · $2 tenant text, null for all · $3 continue behind this id, null from the newest
-- $4 how many at most
SELECT l.id, l.at, l.subject, l.token, l.method, l.route, l.path, l.tenant, l.status, l.problem, l.node, l.request,
  l.address, l.times
FROM sync_metadata.audit_log AS l
WHERE ($1::text IS NULL OR l.subject = $1) AND ($2::text IS NULL OR l.tenant = $2)
  AND ($3::bigint IS NULL OR l.id < $3)
ORDER BY l.id DESC
LIMIT $4

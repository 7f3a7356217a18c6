-- Conflicts, newest first, and which versions of its row each has. A key's column that holds credentials is null.
-- $1 tenant text, null for all of them · $2 whether they wait for an operator; null: all
-- $3 bigint, behind which to go on; null: from the newest · $4 how many at most · $5 bigint, one conflict only, or null
-- No row: there are none.
SELECT c.id, c.tenant AS client, c."table", (
    SELECT jsonb_object_agg(k.key, CASE WHEN NOT sync_metadata.is_credential(c."table", k.key) THEN left(k.value, 200) END)
    FROM jsonb_each_text(c.key) AS k
  ) AS key,
  c.type, c.strategy, c.winner, c.why, c.edited_at, c.edited_by, c.detected_at, c.job, c.decided_by, c.resolved_at,
  c.accepted, c.accepted_row IS NOT NULL AS edited, c.superseded_by,
  c.written_at, c.written_by, c.converged_at, c.refused_at,
  CASE WHEN c.refused_at IS NOT NULL THEN jsonb_build_object('code', c.refused_code, 'text', c.refused) END AS refused,
  jsonb_build_object(
    'base', c.before IS NOT NULL, 'source', c.source IS NOT NULL, 'remote', c.remote IS NOT NULL,
    'result', CASE coalesce(c.accepted, c.winner)
      WHEN 'pending' THEN NULL WHEN 'source' THEN c.source IS NOT NULL
      ELSE c.accepted_row IS NOT NULL OR CASE WHEN c.winner = 'pending' THEN c.remote ELSE c.result END IS NOT NULL
    END
  ) AS rows
FROM sync_metadata.conflict_log AS c
WHERE ($1::text IS NULL OR c.tenant = $1) AND ($2::boolean IS NULL OR (c.winner = 'pending') = $2)
  AND ($3::bigint IS NULL OR c.id < $3) AND ($5::bigint IS NULL OR c.id = $5)
ORDER BY c.id DESC
LIMIT $4

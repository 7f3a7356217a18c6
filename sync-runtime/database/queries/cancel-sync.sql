-- Ends what waits of a tenant's syncs, and asks for the end of the one that runs.
-- $1 tenant text · $2 who wants it text
-- Returns jobs json, [{"job", "status" (cancelled | running)}]. No row: the cluster has no such tenant, or it is retired.
SELECT coalesce(
  (
    SELECT json_agg(json_build_object('job', c.job::text, 'status', c.status) ORDER BY c.job)
    FROM sync_metadata.cancel_jobs(d.id, $2) AS c
  ),
  '[]'
) AS jobs
FROM sync_metadata.client_deployments AS d WHERE d.id = $1 AND d.state NOT IN ('retired', 'erased')

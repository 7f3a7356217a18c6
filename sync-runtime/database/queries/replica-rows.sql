-- How many rows the tables of the cluster's tenants had when their replicas were last verified, a tenant a row.
-- tables: JSON as text.
-- $1 continue behind this tenant, null from the first · $2 how many tenants at most
-- No row: there are no more tenants.
SELECT d.id AS tenant,
  coalesce(
    (
      SELECT json_agg(json_build_array(t.name, t.rows) ORDER BY t.name)
      FROM sync_metadata.replica_tables AS t WHERE t.tenant = d.id AND t.sum IS NOT NULL
    ),
    '[]'
  )::text AS tables
FROM sync_metadata.client_deployments AS d
WHERE d.state NOT IN ('retired', 'erased') AND ($1::text IS NULL OR d.id > $1)
ORDER BY d.id
LIMIT $2

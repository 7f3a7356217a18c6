-- Persons who used the application within the last 30 days, a tenant a row; tenant null: over all tenants of the database,
-- whatever their cluster, each person once. basis, covered: on which basis a tenant shows its own look, where that holds for
-- so many users only.
SELECT c.tenant, c.users, d.licence ->> 'basis' AS basis, (d.licence ->> 'users')::integer AS covered
FROM sync_metadata.count_active_users() AS c
LEFT JOIN sync_metadata.client_deployments AS d ON d.id = c.tenant
ORDER BY c.tenant NULLS FIRST

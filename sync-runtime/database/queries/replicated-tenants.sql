-- The tenants of the cluster that have a replica and are not retired.
-- No row: none has.
SELECT r.tenant FROM sync_metadata.replicas AS r JOIN sync_metadata.client_deployments AS d ON d.id = r.tenant
WHERE d.state NOT IN ('retired', 'erased')
ORDER BY r.tenant

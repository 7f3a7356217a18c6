-- Tenants of an intent that belong to another cluster already.
-- $1 cluster text · $2 ids text[]
-- No row: none does.
SELECT c.id, c.cluster FROM sync_metadata.client_deployments AS c
WHERE c.id = ANY ($2) AND c.cluster <> $1
ORDER BY c.id

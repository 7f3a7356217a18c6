-- Hosts of the cluster, and how many tenants each has that are not retired.
-- $1 host text, null for all of them
-- No row: the cluster has no such host.
SELECT h.id AS host, h.state AS status, h.agent_address AS address, h.agent_identity AS identity,
  count(d.id) FILTER (WHERE d.state NOT IN ('retired', 'erased'))::integer AS tenants
FROM sync_metadata.hosts AS h
LEFT JOIN sync_metadata.client_deployments AS d ON d.cluster = h.cluster AND d.host = h.id
WHERE $1::text IS NULL OR h.id = $1
GROUP BY h.cluster, h.id
ORDER BY h.id

-- Writes the declared hosts of one cluster and retires the others.
-- $1 cluster text · $2 hosts json, [{"id", "agent": {"address", "identity"}}]
-- Returns one row per host that is not as before: id, change (added | updated | retired).
WITH declared AS (
  SELECT h.id, h.agent ->> 'address' AS address, h.agent ->> 'identity' AS identity
  FROM json_to_recordset($2) AS h (id text, agent json)
),
written AS (
  INSERT INTO sync_metadata.hosts AS h (cluster, id, agent_address, agent_identity)
  SELECT $1, d.id, d.address, d.identity FROM declared AS d
  ON CONFLICT (cluster, id) DO UPDATE
  SET agent_address = excluded.agent_address, agent_identity = excluded.agent_identity, state = 'active'
  WHERE (h.agent_address, h.agent_identity, h.state) <> (excluded.agent_address, excluded.agent_identity, 'active')
  RETURNING h.id, CASE WHEN h.xmax = 0 THEN 'added' ELSE 'updated' END AS change
),
retired AS (
  UPDATE sync_metadata.hosts AS h SET state = 'retired'
  WHERE h.cluster = $1 AND h.state <> 'retired' AND h.id NOT IN (SELECT d.id FROM declared AS d)
  RETURNING h.id, 'retired' AS change
)
SELECT id, change FROM written
UNION ALL
SELECT id, change FROM retired
ORDER BY id

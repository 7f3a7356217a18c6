-- Writes the declared hosts of one cluster and retires the others.
-- $1 cluster text · $2 hosts json, [{"id", "agent": {"address", "identity"}, "writer": the same or nothing}]
-- Returns one row per host that is not as before: id, change (added | updated | retired).
WITH declared AS (
  SELECT h.id, h.agent ->> 'address' AS address, h.agent ->> 'identity' AS identity,
    h.writer ->> 'address' AS writer_address, h.writer ->> 'identity' AS writer_identity
  FROM json_to_recordset($2) AS h (id text, agent json, writer json)
),
written AS (
  INSERT INTO sync_metadata.hosts AS h (cluster, id, agent_address, agent_identity, writer_address, writer_identity)
  SELECT $1, d.id, d.address, d.identity, d.writer_address, d.writer_identity FROM declared AS d
  ON CONFLICT (cluster, id) DO UPDATE
  SET agent_address = excluded.agent_address, agent_identity = excluded.agent_identity, state = 'active',
    writer_address = excluded.writer_address, writer_identity = excluded.writer_identity
  WHERE (h.agent_address, h.agent_identity, h.state) <> (excluded.agent_address, excluded.agent_identity, 'active')
    OR (h.writer_address, h.writer_identity) IS DISTINCT FROM (excluded.writer_address, excluded.writer_identity)
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

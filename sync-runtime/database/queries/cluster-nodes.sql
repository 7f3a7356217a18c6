-- The nodes of the cluster; the epoch is the leader's lease, null for the others.
-- $1 seconds of silence after which a node is not shown
SELECT n.id, n.seen_at, l.epoch IS NOT NULL AS leader, l.epoch
FROM sync_metadata.nodes AS n
LEFT JOIN sync_metadata.leader_election AS l ON l.holder = n.run AND l.expires_at > clock_timestamp()
WHERE n.seen_at > clock_timestamp() - make_interval(secs => $1)
ORDER BY n.id

-- Who led last, newest first.
-- $1 integer, how many
-- Returns of each epoch its node and run, from when to when and how it ended; until and ended are null of the one who
-- leads now, whose age in seconds stands beside it. A leader that nobody has followed ended when its lease expired.
SELECT h.epoch, h.node, h.run, h.began_at AS from,
  coalesce(h.ended_at, l.expires_at) AS until,
  coalesce(h.ended, CASE WHEN l.expires_at IS NOT NULL THEN 'expired' END) AS ended,
  extract(epoch FROM clock_timestamp() - h.began_at)::float8 AS age
FROM sync_metadata.leader_history AS h
LEFT JOIN sync_metadata.leader_election AS l
  ON l.cluster = h.cluster AND l.epoch = h.epoch AND l.expires_at <= clock_timestamp()
ORDER BY h.epoch DESC
LIMIT $1

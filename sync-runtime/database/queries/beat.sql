-- Says that a node is alive, and takes the cluster's lease or renews it. All in one statement, on this server's clock.
-- $1 cluster text · $2 node text · $3 run uuid · $4 lease, seconds it lasts without renewal
-- Returns the epoch under which the run leads; null: another run's lease has not expired, and free_in says in how many
-- seconds it will have, unless it is renewed. cancelled: the run's jobs that somebody wants to end, text[].
-- events: what changed since the run's beat before this one, [{"id", "kind", "subject"}]; some may come again.
-- waiting: whether a look at the queue may find something, a job that is due or one whose node is silent.
WITH presence AS (
  INSERT INTO sync_metadata.nodes AS n (cluster, id, run, events_to)
  VALUES ($1, $2, $3, pg_snapshot_xmin(pg_current_snapshot()))
  ON CONFLICT (cluster, id) DO UPDATE
  SET run = excluded.run, seen_at = clock_timestamp(),
    started_at = CASE WHEN n.run = excluded.run THEN n.started_at ELSE clock_timestamp() END,
    events_from = CASE WHEN n.run = excluded.run THEN n.events_to END, events_to = excluded.events_to
  RETURNING n.events_from
),
-- A lease that lapsed begins a new epoch even for its former holder: somebody may have led in between.
lease AS (
  INSERT INTO sync_metadata.leader_election AS l (cluster, holder, node, expires_at)
  VALUES ($1, $3, $2, clock_timestamp() + make_interval(secs => $4))
  ON CONFLICT (cluster) DO UPDATE
  SET holder = excluded.holder, node = excluded.node,
    expires_at = clock_timestamp() + make_interval(secs => $4),
    epoch = CASE WHEN l.expires_at > clock_timestamp() THEN l.epoch ELSE l.epoch + 1 END,
    acquired_at = CASE WHEN l.expires_at > clock_timestamp() THEN l.acquired_at ELSE clock_timestamp() END
  WHERE l.holder = excluded.holder OR l.expires_at <= clock_timestamp()
  RETURNING l.epoch
)
SELECT (SELECT lease.epoch FROM lease) AS epoch,
  (
    SELECT extract(epoch FROM l.expires_at - clock_timestamp())::float8
    FROM sync_metadata.leader_election AS l WHERE l.cluster = $1
  ) AS free_in,
  ARRAY(
    SELECT j.id::text FROM sync_metadata.sync_jobs AS j
    WHERE j.status = 'running' AND j.run = $3 AND j.cancel_asked_by IS NOT NULL
  ) AS cancelled,
  coalesce(
    (
      SELECT json_agg(json_build_object('id', e.id::text, 'kind', e.kind, 'subject', e.subject) ORDER BY e.id)
      FROM sync_metadata.cache_events AS e
      WHERE e.cluster = $1 AND e.xact >= coalesce((SELECT p.events_from FROM presence AS p), '0'::xid8)
    ),
    '[]'
  ) AS events,
  EXISTS (
    SELECT FROM sync_metadata.sync_jobs AS j
    WHERE j.cluster = $1 AND j.status = 'queued' AND j.due_at <= clock_timestamp()
  ) OR EXISTS (
    SELECT FROM sync_metadata.sync_jobs AS j
    WHERE j.cluster = $1 AND j.status = 'running' AND j.run <> $3 AND NOT EXISTS (
      SELECT FROM sync_metadata.nodes AS n
      WHERE n.run = j.run AND n.seen_at > clock_timestamp() - make_interval(secs => $4)
    )
  ) AS waiting

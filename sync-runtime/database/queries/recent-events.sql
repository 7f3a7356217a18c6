-- What happened in the cluster behind a moment, oldest first, and how what runs stands.
-- $1 timestamptz, null: nothing of the past · $2 how many at most
-- Returns one row: now, as microseconds since 1970; events as JSON, each with its name, a key that no other event of
-- that name has, and its moment; running as JSON: the jobs that run, with their progress; held as JSON: the replicas that
-- are held.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now,
  coalesce((
    SELECT jsonb_agg(to_jsonb(e) ORDER BY e.at, e.key) FROM (
      (
        SELECT 'job-ended' AS name, j.id::text AS key, j.finished_at AS at, jsonb_build_object(
          'job', j.id::text, 'client', j.tenant, 'kind', j.kind, 'reason', j.reason, 'status', j.status, 'node', j.node,
          'rows', j.rows, 'bytes', j.bytes, 'error', j.error
        ) AS data
        FROM sync_metadata.sync_jobs AS j
        WHERE j.cluster = sync_metadata.own_cluster() AND j.finished_at > $1 AND j.started_at IS NOT NULL
        ORDER BY j.finished_at DESC LIMIT $2
      )
      UNION ALL
      (
        SELECT 'state-changed', t.id::text, t.at, jsonb_build_object(
          'client', t.tenant, 'from', t.from_state, 'to', t.to_state, 'by', t.actor, 'reason', t.reason
        )
        FROM (SELECT * FROM sync_metadata.transitions ORDER BY id DESC LIMIT $2) AS t
        WHERE t.at > $1
      )
      UNION ALL
      (
        SELECT 'leader-changed', l.epoch::text, l.began_at,
          jsonb_build_object('epoch', l.epoch, 'node', l.node, 'run', l.run)
        FROM sync_metadata.leader_history AS l
        WHERE l.began_at > $1
        ORDER BY l.epoch DESC LIMIT $2
      )
      UNION ALL
      (
        SELECT 'conflict-detected', c.id::text, c.detected_at, jsonb_build_object(
          'conflict', c.id::text, 'client', c.tenant, 'table', c."table", 'type', c.type, 'strategy', c.strategy,
          'winner', c.winner
        )
        FROM (SELECT * FROM sync_metadata.conflict_log ORDER BY id DESC LIMIT $2) AS c
        WHERE c.detected_at > $1
      )
      UNION ALL
      (
        SELECT 'conflict-written', c.id::text || ' ' || extract(epoch FROM c.written_at), c.written_at, jsonb_build_object(
          'conflict', c.id::text, 'client', c.tenant, 'table', c."table", 'host', c.written_by
        )
        FROM sync_metadata.conflict_log AS c
        WHERE c.written_at > $1
        ORDER BY c.written_at DESC LIMIT $2
      )
      UNION ALL
      (
        SELECT 'conflict-refused', c.id::text || ' ' || extract(epoch FROM c.refused_at), c.refused_at, jsonb_build_object(
          'conflict', c.id::text, 'client', c.tenant, 'table', c."table", 'code', c.refused_code, 'error', c.refused
        )
        FROM sync_metadata.conflict_log AS c
        WHERE c.refused_at > $1
        ORDER BY c.refused_at DESC LIMIT $2
      )
      UNION ALL
      (
        SELECT 'write-refused', r.tenant || ' ' || extract(epoch FROM r.write_refused_at), r.write_refused_at,
          jsonb_build_object('client', r.tenant, 'code', r.write_refused_code, 'error', r.write_refused)
        FROM sync_metadata.replicas AS r
        WHERE r.write_refused_at > $1
        ORDER BY r.write_refused_at DESC LIMIT $2
      )
    ) AS e
  ), '[]') AS events,
  coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'job', j.id::text, 'client', j.tenant, 'kind', j.kind, 'reason', j.reason, 'node', j.node, 'progress', j.progress
    ) ORDER BY j.id)
    FROM sync_metadata.sync_jobs AS j WHERE j.status = 'running'
  ), '[]') AS running,
  coalesce((
    SELECT jsonb_agg(jsonb_build_object('client', r.tenant, 'id', r.held_id, 'reason', r.held_reason) ORDER BY r.tenant)
    FROM sync_metadata.replicas AS r WHERE r.held_id IS NOT NULL
  ), '[]') AS held

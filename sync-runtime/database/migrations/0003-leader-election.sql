-- Who is alive and who leads. A node has a fresh run id per process start, so that a restarted node is never taken
-- for its former self. All moments are this server's clock.

CREATE TABLE sync_metadata.nodes (
  cluster text NOT NULL,
  -- Its name in the stack's config: a, b.
  id text NOT NULL,
  run uuid NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (cluster, id)
);

CREATE TABLE sync_metadata.leader_election (
  cluster text PRIMARY KEY,
  -- The run that holds the lease; it leads while expires_at lies ahead.
  holder uuid NOT NULL,
  node text NOT NULL,
  -- Grows whenever the lease changes hands or lapses: the fence of everything only a leader does.
  epoch bigint NOT NULL DEFAULT 1,
  acquired_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz NOT NULL
);

ALTER TABLE sync_metadata.nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_metadata.leader_election ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.nodes TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster ON sync_metadata.leader_election TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT, INSERT, UPDATE ON sync_metadata.nodes, sync_metadata.leader_election TO sync_service;

-- What the stack's config declares: hosts, and the tenants ("clients") on them. Written by apply.ts; nodes read.
-- Nothing is ever deleted here: what left the config is retired, and its replica stays.

CREATE TABLE sync_metadata.hosts (
  cluster text NOT NULL,
  id text NOT NULL,
  -- Where its agent answers, host:port.
  agent_address text NOT NULL,
  -- The URI that its agent's certificate must carry, urn:owui:agent:<host>.
  agent_identity text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'retired')),
  PRIMARY KEY (cluster, id)
);

CREATE TABLE sync_metadata.client_deployments (
  -- The tenant. One id means one tenant in the whole database, whatever its cluster.
  id text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$'),
  cluster text NOT NULL,
  host text NOT NULL,
  url text NOT NULL,
  sync_interval interval NOT NULL CHECK (sync_interval > interval '0'),
  state text NOT NULL CHECK (state IN ('active', 'paused', 'retired')),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (cluster, host) REFERENCES sync_metadata.hosts (cluster, id)
);

ALTER TABLE sync_metadata.hosts ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_metadata.client_deployments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.hosts TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster ON sync_metadata.client_deployments TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT ON sync_metadata.hosts, sync_metadata.client_deployments TO sync_service;

-- What is known about each replica. Shape and names are written by the definer functions alone; a node writes what
-- it verified, column by column.

CREATE TABLE sync_metadata.replicas (
  tenant text PRIMARY KEY REFERENCES sync_metadata.client_deployments (id),
  cluster text NOT NULL,
  -- The identity of the data whose copy this is, set by the first sync; other data is never mixed in.
  identity uuid,
  -- The last sync whose contents the replica holds; null means that the next one compares everything.
  committed_sync uuid,
  verified_at timestamptz,
  -- Whether the last comparison found the replica equal to what its source was; null before the first.
  equal boolean
);

CREATE TABLE sync_metadata.replica_tables (
  tenant text NOT NULL REFERENCES sync_metadata.replicas (tenant),
  cluster text NOT NULL,
  name text NOT NULL,
  -- [{"name", "type"}] in the table's own order, which is the order COPY takes behind _replica_odd.
  columns jsonb NOT NULL,
  -- The columns that name a row; null where the source has no key, and rows count as a multiset.
  key text[],
  -- The source's own statement, for restoring; never run here.
  ddl text NOT NULL,
  -- What the last verified sync counted; null before the first.
  rows bigint,
  sum text,
  PRIMARY KEY (tenant, name)
);

ALTER TABLE sync_metadata.replicas ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_metadata.replica_tables ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_cluster ON sync_metadata.replicas TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
CREATE POLICY own_cluster ON sync_metadata.replica_tables TO sync_service
  USING (cluster = (SELECT sync_metadata.own_cluster()));
GRANT SELECT, UPDATE (identity, committed_sync, verified_at, equal)
  ON sync_metadata.replicas TO sync_service;
GRANT SELECT, UPDATE (rows, sum) ON sync_metadata.replica_tables TO sync_service;

-- How conflicts in a tenant's replica are decided, as the config declares it: {"default", "tables": {"<table>": ...}}, each a
-- strategy of the conflict log. Empty until an `up` has written it: then the nodes' own defaults hold.
ALTER TABLE sync_metadata.client_deployments
  ADD COLUMN conflicts jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(conflicts) = 'object');

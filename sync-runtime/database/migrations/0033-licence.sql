-- On which basis a tenant carries its own branding, and for how many users that holds: {"basis", "users"}, as the config
-- declares it. Null: it carries none, or the basis sets no bound. An alert compares it with the users there are.
ALTER TABLE sync_metadata.client_deployments
  ADD COLUMN licence jsonb CHECK (jsonb_typeof(licence) = 'object');

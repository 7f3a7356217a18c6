-- Makes the tenant's schema and its row in replicas, where they do not exist.
-- $1 tenant text
SELECT sync_metadata.make_tenant_schema($1)

-- Lets the logins of one cluster, as they are now, into its tenants' schemas, and no other login.
-- $1 cluster text
SELECT sync_metadata.grant_tenant_schema(r.tenant) FROM sync_metadata.replicas AS r WHERE r.cluster = $1

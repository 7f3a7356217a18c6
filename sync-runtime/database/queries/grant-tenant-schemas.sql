-- Lets the logins of each tenant's cluster, as they are now, into its schema, and no other login.
SELECT sync_metadata.grant_tenant_schema(r.tenant) FROM sync_metadata.replicas AS r

-- Makes what readers may see of every replica what it should be, as readers and tenants are now.
SELECT sync_metadata.grant_readers(r.tenant) FROM sync_metadata.replicas AS r

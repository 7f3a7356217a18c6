-- Has what others than the logins of each tenant's cluster, as they are now, write into its replica noted.
SELECT sync_metadata.watch_edits(r.tenant) FROM sync_metadata.replicas AS r

-- Makes one row of this job and the tenant's job before it, where both were scheduled and found nothing new.
-- $1 job bigint
SELECT sync_metadata.fold_job($1)

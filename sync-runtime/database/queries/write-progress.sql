-- Notes how far a job has come, while it runs.
-- $1 job bigint · $2 claim epoch bigint · $3 progress jsonb
-- No row: the job was taken over or has ended, nothing is changed.
UPDATE sync_metadata.sync_jobs AS j SET progress = $3
WHERE j.id = $1 AND j.claim_epoch = $2 AND j.status = 'running'
RETURNING j.id

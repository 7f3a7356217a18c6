-- What happened lately is asked for once a second by a node that somebody listens to: which jobs ended has to be found
-- without looking at the whole history.
CREATE INDEX sync_jobs_ended ON sync_metadata.sync_jobs (cluster, finished_at) WHERE finished_at IS NOT NULL;

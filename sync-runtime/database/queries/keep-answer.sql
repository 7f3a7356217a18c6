-- Keeps what a request was answered, for whoever sends it again.
-- $1 subject text · $2 route text · $3 key text · $4 digest bytea · $5 status · $6 answer, JSON as text
INSERT INTO sync_metadata.api_answers (subject, route, key, digest, status, answer) VALUES ($1, $2, $3, $4, $5, $6)

-- What a request with this key was answered.
-- $1 subject text · $2 route text · $3 key text
-- No row: the key is new, or older than a day.
SELECT a.digest, a.status, a.answer FROM sync_metadata.api_answers AS a
WHERE a.subject = $1 AND a.route = $2 AND a.key = $3

-- What a tenant has in the database, by kind; zeros where nothing is left. state and url are null of one that never was,
-- live_database of one whose database is its SQLite file.
-- $1 tenant text
SELECT sync_metadata.left_of_tenant($1) AS found, d.state, d.url, d.live_database
FROM (VALUES (true)) AS always LEFT JOIN sync_metadata.client_deployments AS d ON d.id = $1

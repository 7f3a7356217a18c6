-- The version of Open WebUI's schema. Runs in the promoted database, whose alembic_version must be there.
-- No row: its migrations have not come to an end.
SELECT version_num AS version FROM alembic_version

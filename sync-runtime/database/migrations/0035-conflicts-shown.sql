-- Who shows conflicts has to know which columns hold credentials. They say nothing of any tenant.
GRANT EXECUTE ON FUNCTION sync_metadata.is_credential(text, text) TO sync_service;
GRANT SELECT ON sync_metadata.credential_columns TO sync_service;

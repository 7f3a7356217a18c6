-- Until the transaction ends, everything is done and made by the role that owns the schema.
SET LOCAL ROLE fleet_owner

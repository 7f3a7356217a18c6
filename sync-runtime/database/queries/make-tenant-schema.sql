-- Makes the tenant's schema and its row in replicas, where they do not exist; of one that is known as not equal the
-- tables that somebody dropped are forgotten, so that they are made anew.
-- $1 tenant text
SELECT sync_metadata.make_tenant_schema($1), sync_metadata.forget_lost_tables($1)

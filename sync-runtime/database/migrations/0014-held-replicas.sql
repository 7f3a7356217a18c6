-- A replica whose source looks wrong is held: it keeps what it has until an operator decides, or the source is right
-- again. These columns are written by the functions below alone.

ALTER TABLE sync_metadata.replicas
  -- One occasion. An operator's decision names it, so that it never passes another one.
  ADD COLUMN held_id uuid,
  ADD COLUMN held_reason text CHECK (held_reason IN ('identity-changed', 'rows-vanished', 'source-empty')),
  -- What was found, for the operator and for telling the same occasion from another; node/hold.ts says its shape.
  ADD COLUMN held_detail jsonb,
  ADD COLUMN held_at timestamptz,
  -- The sync that was offered and not taken: the agent says of it whether anything was written since.
  ADD COLUMN held_sync uuid,
  -- When an operator accepted this occasion; null until then.
  ADD COLUMN held_accepted_at timestamptz,
  ADD CHECK (num_nulls(held_id, held_reason, held_detail, held_at) IN (0, 4));

-- Refuses whoever does not hold the tenant's claim under the epoch, and keeps it held until the transaction ends.
CREATE FUNCTION sync_metadata.require_claim(tenant_id text, claim_epoch bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  PERFORM FROM sync_metadata.tenant_claims AS c WHERE c.tenant = tenant_id AND c.epoch = claim_epoch FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'claim % of tenant % is no longer held', claim_epoch, tenant_id
      USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
END
$$;

-- Holds a replica. The same occasion again keeps its moment and its acceptance; another one has neither.
CREATE FUNCTION sync_metadata.hold_replica(
  tenant_id text, claim_epoch bigint, hold uuid, reason text, detail jsonb, offered uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_claim(tenant_id, claim_epoch);
  UPDATE sync_metadata.replicas AS r
  SET held_id = hold, held_reason = reason, held_detail = detail, held_sync = offered,
    held_at = CASE WHEN r.held_id = hold THEN r.held_at ELSE clock_timestamp() END,
    held_accepted_at = CASE WHEN r.held_id = hold THEN r.held_accepted_at END
  WHERE r.tenant = tenant_id;
END
$$;

-- An operator's word that what a replica was held for is right. True if that very occasion is still the matter.
CREATE FUNCTION sync_metadata.accept_hold(tenant_id text, hold uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_tenant(tenant_id);
  UPDATE sync_metadata.replicas AS r SET held_accepted_at = coalesce(r.held_accepted_at, clock_timestamp())
    WHERE r.tenant = tenant_id AND r.held_id = hold;
  RETURN FOUND;
END
$$;

-- Ends a hold, in the transaction of a sync that went through: accepted, or with nothing suspicious in it any more.
CREATE FUNCTION sync_metadata.end_hold(tenant_id text, claim_epoch bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM sync_metadata.require_claim(tenant_id, claim_epoch);
  UPDATE sync_metadata.replicas AS r
  SET held_id = NULL, held_reason = NULL, held_detail = NULL, held_at = NULL, held_sync = NULL,
    held_accepted_at = NULL
  WHERE r.tenant = tenant_id;
END
$$;

GRANT EXECUTE ON FUNCTION sync_metadata.hold_replica(text, bigint, uuid, text, jsonb, uuid),
  sync_metadata.accept_hold(text, uuid), sync_metadata.end_hold(text, bigint) TO sync_service;

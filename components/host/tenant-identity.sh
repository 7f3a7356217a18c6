#!/bin/sh
# Gives a tenant's data directory its identity file once: the agent and every sync ask whose data this is.
# Reads $ROOT $FLEET $TENANT.
set -eu
home=$ROOT/tenants/$TENANT
kept=$home/config/identity.json
shown=$home/data/.owui-identity.json

if [ ! -e "$kept" ]; then
  printf '{"fleet":"%s","tenant":"%s","id":"%s","created":"%s"}\n' \
    "$FLEET" "$TENANT" "$(cat /proc/sys/kernel/random/uuid)" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$kept.staged"
  chmod 0444 "$kept.staged"
  cp --remove-destination -p "$kept.staged" "$shown"
  mv "$kept.staged" "$kept"
fi

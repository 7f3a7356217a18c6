#!/bin/sh
# Gives a tenant's data directory its identity file once, and refuses to go on where it is not the one made then:
# a volume that is not mounted, or another tenant's directory, would otherwise be started as an empty Open WebUI.
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
# The tenant may have put a link or a FIFO there: neither is followed nor read.
if [ -L "$shown" ] || [ ! -f "$shown" ] || ! cmp -s "$kept" "$shown"; then
  echo "The data directory of tenant $TENANT is not the one this fleet made: $shown differs from $kept or is missing." >&2
  echo "Nothing was started on it and nothing in it was changed." >&2
  echo "If its volume is not mounted, mount it. If you restored the directory on purpose, copy $kept over $shown." >&2
  exit 1
fi

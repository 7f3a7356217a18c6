#!/bin/sh
# Lets a tenant start on its own data and on no other: a directory without its database, or with another identity, is
# a volume that is not mounted or a loss, and would otherwise be started as an empty Open WebUI.
# Reads $ROOT $FLEET $TENANT $CONTAINER $IF_LOST (refuse, replica or fresh) $REPLICAS (asked, or none where there never
# was any) and, on standard input, how the replicas' database is reached.
set -eu
home=$ROOT/tenants/$TENANT
kept=$home/config/identity.json
shown=$home/data/.owui-identity.json

# An empty file is no database: SQLite makes one of nothing.
if [ ! -s "$home/data/webui.db" ]; then
  running=$(docker ps --quiet --filter "name=^$CONTAINER\$")
  exec node sync-runtime/restore/guard.ts "$home" "$FLEET" "$TENANT" "$CONTAINER" "$IF_LOST" \
    "$REPLICAS" "${running:+running}"
fi
# The tenant may have put a link or a FIFO there: neither is followed nor read.
if [ -L "$shown" ] || [ ! -f "$shown" ] || ! cmp -s "$kept" "$shown"; then
  echo "The data directory of tenant $TENANT is not the one this fleet made: $shown differs from $kept or is missing." >&2
  echo "Nothing was started on it and nothing in it was changed." >&2
  echo "If its volume is not mounted, mount it. If you restored the directory on purpose, copy $kept over $shown." >&2
  exit 1
fi

#!/bin/sh
# Where a tenant is on its way to this host (`fleet move`), waits until its data is there: everything else that `up` does for
# it here is behind this. Without a note of a move it does nothing. What waits for a mover that is silent gives up, and
# nothing was started.
#   ROOT TENANT  whose          PATIENCE  seconds for which its mover may be silent, 90 unless set
set -eu
note=$ROOT/tenants/$TENANT/config/arrival
arrived=$ROOT/tenants/$TENANT/config/arrived
if [ ! -f "$note" ]; then exit 0; fi
operation=$(cat "$note")
echo "tenant $TENANT: its data is on its way here; waiting for it" >&2
trap 'rm -f "$note.waiting"' EXIT
while [ -f "$note" ]; do
  touch "$note.waiting"
  heard=$(stat -c %Y "$note" 2>/dev/null || date +%s)
  if [ "$(($(date +%s) - heard))" -gt "${PATIENCE:-90}" ]; then
    echo "tenant $TENANT is being moved to this host, and whoever moves it is silent. Nothing was started here." >&2
    echo "remedy: npx fleet operations resume $operation, or abort it" >&2
    exit 1
  fi
  sleep 0.2
done
if [ "$(cat "$arrived" 2>/dev/null)" != "$operation" ]; then
  echo "tenant $TENANT was not moved to this host after all. Nothing was started here." >&2
  exit 1
fi

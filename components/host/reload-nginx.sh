#!/bin/sh
# Makes nginx serve what another script just changed. Changes that come together share one reload: it is skipped
# where one has begun since the change. Reads $NGINX (the configuration's directory) $CONTAINER.
set -eu
cd "$NGINX"
changed=.changed.$$
trap 'rm -f "$changed"' EXIT
touch "$changed"

# Under the lock no file is on trial: nginx would keep its old configuration if it met a bad one.
exec 9>.lock
flock 9
status=$(docker inspect --format '{{.State.Status}}' "$CONTAINER" 2>/dev/null || true)
if [ "$status" = running ] && [ -z "$(find .reloaded -newer "$changed" 2>/dev/null)" ]; then
  touch .reloading
  said=$(docker exec "$CONTAINER" nginx -s reload -c /etc/fleet/nginx.conf 2>&1) || {
    echo "$said" >&2
    exit 1
  }
  mv -f .reloading .reloaded
fi

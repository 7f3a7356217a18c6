#!/bin/sh
# Puts a tenant's brand files in place and lets them be seen at once, without a restart. What does not come whole is not
# put there. Reads $DIRECTORY (the tenant's branding directory) $CONTAINER, and render-branding.sh's archive on standard
# input.
set -eu
umask 022
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
tar -C "$rendered" --no-same-owner -xf -

# Written in place: each file is bound into the container by its inode.
for file in "$rendered"/*; do
  cat "$file" >"$DIRECTORY/$(basename "$file")"
done

# What the application serves is a copy it made when it started.
if [ "$(docker inspect --format '{{.State.Status}}' "$CONTAINER" 2>/dev/null || true)" = running ]; then
  docker cp "$DIRECTORY/." "$CONTAINER:/app/backend/open_webui/static/" >/dev/null
fi

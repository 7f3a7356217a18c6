#!/bin/sh
# Renders a tenant's brand files from its logo and lets them be seen at once, without a restart.
# Reads $LOGO $NAME $DIRECTORY (the tenant's branding directory) $CONTAINER.
set -eu
umask 022
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
node components/branding/main.ts "$LOGO" "$rendered" "$NAME"

# Written in place: each file is bound into the container by its inode.
for file in "$rendered"/*; do
  cat "$file" >"$DIRECTORY/$(basename "$file")"
done

# What the application serves is a copy it made when it started.
if [ "$(docker inspect --format '{{.State.Status}}' "$CONTAINER" 2>/dev/null || true)" = running ]; then
  docker cp "$DIRECTORY/." "$CONTAINER:/app/backend/open_webui/static/" >/dev/null
fi

# Makes nginx serve what the script before this one changed. Changes that come together share one reload: it is
# skipped where one has begun since the change. Reads $CONTAINER and the lock on descriptor 9.
changed=.changed.$$
trap 'rm -f "$changed"' EXIT
touch "$changed"

# Under the lock no file is on trial: nginx would keep its old configuration if it met a bad one.
flock 9
running=$(docker inspect --format '{{.State.Running}}' "$CONTAINER" 2>/dev/null || true)
if [ "$running" = true ] && [ -z "$(find .reloaded -newer "$changed" 2>/dev/null)" ]; then
  touch .reloading
  docker exec "$CONTAINER" nginx -s reload -c /etc/fleet/nginx.conf
  mv -f .reloading .reloaded
fi

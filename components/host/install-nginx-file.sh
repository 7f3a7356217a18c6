#!/bin/sh
# Puts one file into nginx's configuration and tests the whole; the file is taken back when the test fails.
# reload-nginx.sh comes after it, once the lock is free.
# Reads $NGINX (the configuration's directory) $CONTAINER $FILE (relative) $MASK (022 unless set), and the file's text
# on standard input.
set -eu
umask "${MASK:-022}"
cd "$NGINX"
staged=.staged.$$
trap 'rm -f "$staged" "$staged.old"' EXIT
cat >"$staged"

exec 9>.lock
flock 9
if [ -e "$FILE" ]; then cp -p "$FILE" "$staged.old"; fi
mv -f "$staged" "$FILE"
# An nginx that is not running has nothing to lose: it reads the file when it starts. One that runs may not use it yet.
status=$(docker inspect --format '{{.State.Status}}' "$CONTAINER" 2>/dev/null || true)
if [ "$status" = running ] && ! verdict=$(docker exec "$CONTAINER" nginx -t -c /etc/fleet/nginx.conf 2>&1); then
  if [ -e "$staged.old" ]; then mv -f "$staged.old" "$FILE"; else rm -f "$FILE"; fi
  echo "nginx refused $FILE; the file was taken back and every site is served as before. It said:" >&2
  echo "$verdict" >&2
  exit 1
fi

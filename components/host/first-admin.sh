#!/bin/sh
# Makes the first account of a tenant, its admin, before a site leads to it. The password is read from the host's
# root-only file and travels by standard input; where there are users already they are left alone.
# Reads $ROOT $TENANT $CONTAINER $PROFILE ("email":"…","name":"…").
set -eu
api=http://127.0.0.1:8080/api

# A run that was interrupted may have left a container that is still starting: up to two minutes are given to it.
config=$(docker exec "$CONTAINER" curl -fsS --retry 120 --retry-delay 1 --retry-connrefused "$api/config")
case $config in
  *'"onboarding":true'*) ;;
  *) exit 0 ;;
esac
answer=$(
  printf '{%s,"password":"%s"}' "$PROFILE" "$(cat "$ROOT/tenants/$TENANT/config/admin-password")" |
    docker exec -i "$CONTAINER" curl -sS -o /dev/null -w '%{http_code}' \
      -H 'content-type: application/json' --data-binary @- "$api/v1/auths/signup"
)
if [ "$answer" != 200 ]; then
  echo "Open WebUI of tenant $TENANT refused its first account with status $answer; no site leads to it yet." >&2
  echo "See what it says: docker logs $CONTAINER" >&2
  exit 1
fi

#!/bin/sh
# Has Postgres take the certificate that lies beside its configuration; sessions go on. One that does not fit is not
# taken, and the server's log says so. Reads $CONTAINER.
set -eu
status=$(docker inspect --format '{{.State.Status}}' "$CONTAINER" 2>/dev/null || true)
# A server that is not running reads it when it starts.
if [ "$status" = running ]; then docker kill --signal HUP "$CONTAINER" >/dev/null; fi

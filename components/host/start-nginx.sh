#!/bin/sh
# Runs inside nginx's container on a host that offers TLS: becomes nginx, and beside it makes nginx serve certificates
# that were renewed on the host without an `up`. What nginx refuses is left alone until it is something else; a reload
# that fails behind that, since another file came between, is tried again.
set -eu
config=/etc/fleet/nginx.conf

certificates() {
  cksum /etc/fleet/acme/certificates/*.pem 2>/dev/null || true
}

follow() {
  served=$(certificates)
  while sleep 5; do
    there=$(certificates)
    if [ "$there" = "$served" ]; then continue; fi
    if ! nginx -q -t -c "$config" || nginx -s reload -c "$config"; then served=$there; fi
  done
}

follow &
exec nginx -c "$config" -g "daemon off;"

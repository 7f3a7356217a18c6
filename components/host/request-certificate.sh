#!/bin/sh
# Has a tenant's site certified now. Where that fails the site is there all the same, with the certificate it had or the
# fleet's own, and the client tries again by itself: records of names may come later than the site.
# Reads $TENANT $CONTAINER (the client's).
set -eu
said=$(docker exec "$CONTAINER" sh /etc/fleet/acme.sh now "$TENANT" 2>&1) || {
  echo "The site of tenant $TENANT is not certified yet; browsers warn of it until it is." >&2
  echo "Its names have to lead to this host, where port 80 has to be open to everybody. The client said:" >&2
  echo "$said" | tail -n 5 >&2
}

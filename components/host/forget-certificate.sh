#!/bin/sh
# A tenant's site is not to be certified any more. What the authority gave stays with the client, and ends by itself.
# Reads $ROOT $TENANT.
set -eu
rm -f "$ROOT/acme/config/wanted/$TENANT" "$ROOT/nginx/acme/certificates/$TENANT.pem"

#!/bin/sh
# Says for which names a tenant's site is to be certified, and puts a certificate of the fleet's own in place until it is.
# Reads $ROOT $TENANT $DOMAINS (the site's own first, with blanks between) and, on standard input, that certificate with
# its key, PEM. Safe to run twice: a certificate that is there stays.
set -eu
umask 022
wanted=$ROOT/acme/config/wanted/$TENANT
printf '%s\n' "$DOMAINS" | tr ' ' '\n' >"$wanted.staged"
mv -f "$wanted.staged" "$wanted"

umask 077
certificate=$ROOT/nginx/acme/certificates/$TENANT.pem
if [ ! -s "$certificate" ]; then
  cat >"$certificate.staged"
  chmod 0640 "$certificate.staged"
  mv -f "$certificate.staged" "$certificate"
fi

#!/bin/sh
# Puts a certificate with its key into nginx's configuration as install-nginx-file.sh does any file, for root alone.
# Reads $NGINX (the configuration's directory) $CONTAINER $FILE (relative), and the PEM text on standard input.
set -eu
umask 077
mkdir -p "$(dirname "$NGINX/$FILE")"
MASK=077 exec sh "$(dirname "$0")/install-nginx-file.sh"

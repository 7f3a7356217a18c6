#!/bin/sh
# Takes one file out of nginx's configuration. reload-nginx.sh comes after it.
# Reads $NGINX (the configuration's directory) $FILE (relative).
set -eu
rm -f "$NGINX/$FILE"

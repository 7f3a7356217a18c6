#!/bin/sh
# Runs what is laid into /docker-entrypoint.d, as upstream does, then becomes nginx.
set -e

case $1 in
  nginx | nginx-debug)
    for script in /docker-entrypoint.d/*.sh; do
      if [ -x "$script" ]; then "$script"; fi
    done
    ;;
esac
exec "$@"

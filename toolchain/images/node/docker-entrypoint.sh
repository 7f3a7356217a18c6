#!/bin/sh
# What is no program of its own is a script or an option for node: `docker run node:24 --version`, `… app.mjs`.
set -e

if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null 2>&1 || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- node "$@"
fi
exec "$@"

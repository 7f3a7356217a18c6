#!/bin/sh
# Limits the processes of a container, which the Docker provider has no property for. Reads $CONTAINER $PIDS.
set -eu
docker update --pids-limit "$PIDS" "$CONTAINER" >/dev/null

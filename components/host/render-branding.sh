#!/bin/sh
# Renders a tenant's brand files from its logo, on the machine that runs `up`, and prints them as a tar archive.
# Reads $LOGO $NAME.
set -eu
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
node components/branding/main.ts "$LOGO" "$rendered" "$NAME"
tar -C "$rendered" -cf - .

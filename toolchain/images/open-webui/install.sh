#!/usr/bin/env bash
# Inside the build: installs one release of open-webui and lays it out as upstream's image does.
# usage: install.sh <version>      reads the build secrets /run/secrets/{ca,index}
set -euo pipefail
version=$1
export SSL_CERT_FILE=/run/secrets/ca PIP_CERT=/run/secrets/ca
PIP_INDEX_URL=$(cat /run/secrets/index)
export PIP_INDEX_URL UV_DEFAULT_INDEX="$PIP_INDEX_URL"

python -m venv /tmp/uv
/tmp/uv/bin/pip install --quiet --no-cache-dir uv
/tmp/uv/bin/uv pip install --system --break-system-packages --no-cache --compile-bytecode \
  --override /tmp/overrides.txt "open-webui[postgres]==$version"

# Upstream keeps the backend in /app/backend, the built frontend in /app/build and the version in
# /app/package.json; the installed name stays importable through a link.
package=$(find /usr/local/lib/python3*/dist-packages -maxdepth 1 -type d -name open_webui)
mkdir -p /app/backend/data
mv "$package" /app/backend/open_webui
ln -s /app/backend/open_webui "$package"
mv /app/backend/open_webui/frontend /app/build
cp /app/backend/open_webui/CHANGELOG.md /app/CHANGELOG.md
printf '{"name":"open-webui","version":"%s"}\n' "$version" >/app/package.json

rm -rf /tmp/uv /tmp/uv-*.lock /tmp/overrides.txt /tmp/install.sh /root/.cache

#!/usr/bin/env bash
# Starts Open WebUI as upstream's start.sh does: the secret key comes from the environment, else from
# .webui_secret_key beside this file, which is made on the first start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -z "${WEBUI_SECRET_KEY:-}${WEBUI_JWT_SECRET_KEY:-}" ]; then
  key_file=${WEBUI_SECRET_KEY_FILE:-.webui_secret_key}
  if [ ! -e "$key_file" ]; then
    (umask 077 && head -c 24 /dev/urandom | base64 >"$key_file")
  fi
  WEBUI_SECRET_KEY=$(cat "$key_file")
  export WEBUI_SECRET_KEY
fi

exec python -m uvicorn open_webui.main:app \
  --host "${HOST:-0.0.0.0}" --port "${PORT:-8080}" --forwarded-allow-ips '*' \
  --workers "${UVICORN_WORKERS:-1}"

#!/usr/bin/env bash
# Makes the cluster in PGDATA on the first start, then becomes the server.
# Understands upstream's POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB (each also as *_FILE),
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA and /docker-entrypoint-initdb.d/*.{sh,sql}.
set -euo pipefail

# value_of NAME DEFAULT: the variable, or what its NAME_FILE holds, so that a secret needs no environment.
value_of() {
  local name=$1 default=$2 file_name="${1}_FILE"
  if [ -n "${!file_name:-}" ]; then
    cat "${!file_name}"
  else
    printf '%s' "${!name:-$default}"
  fi
}

initialise() {
  local user database password authentication
  user=$(value_of POSTGRES_USER postgres)
  database=$(value_of POSTGRES_DB "$user")
  password=$(value_of POSTGRES_PASSWORD "")
  authentication=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}

  if [ -z "$password" ] && [ "$authentication" != trust ]; then
    echo "Error: the database is not initialised and no superuser password is given." >&2
    echo "       Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE to a non-empty value." >&2
    exit 1
  fi

  # shellcheck disable=SC2086 # the arguments are words by upstream's contract
  initdb --username="$user" --pwfile=<(printf '%s\n' "$password") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all %s\n' "$authentication" >>"$PGDATA/pg_hba.conf"

  # Only the socket listens while the cluster is being set up: nobody meets a half-made database.
  PGPASSWORD=$password pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  export PGPASSWORD=$password
  local psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$user")
  if [ "$database" != postgres ]; then
    "${psql[@]}" --dbname postgres --set database="$database" <<<'CREATE DATABASE :"database";'
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) bash "$file" ;;
      *.sql) "${psql[@]}" --dbname "$database" --file "$file" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
}

if [ "${1#-}" != "$1" ]; then
  set -- postgres "$@"
fi

if [ "$1" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -g postgres -m 700 "$PGDATA"
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
  fi
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initialise
  fi
fi
exec "$@"

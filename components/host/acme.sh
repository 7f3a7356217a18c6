#!/bin/sh
# Runs inside the ACME client's container, as its user. wanted/TENANT below /etc/fleet lists a tenant's names, its own
# first; what an authority certifies goes, in one piece, where nginx takes notice of it.
#   acme.sh watch         looks after every tenant's certificate, for ever
#   acme.sh now TENANT    looks after one, once
# Reads $DIRECTORY (the authority's), $EMAIL, $RENEW_DAYS (how long before its end a certificate is renewed) and
# $ROUND_SECONDS (from one look to the next, and up to two thirds more).
set -eu
# nginx reads answers to the authority as anybody; the client keeps its own keys to itself.
umask 022
certificates=/nginx/certificates
mkdir -p /state/names

# A host that was just restarted, or many of them, must not come at once.
pause() {
  touch /tmp/alive
  sleep $((ROUND_SECONDS + $(od -An -N2 -tu2 /dev/urandom) % (ROUND_SECONDS * 2 / 3 + 1)))
}

client() {
  /lego --accept-tos --path /state --server "$DIRECTORY" --email "$EMAIL" --key-type ec256 \
    --http --http.webroot /nginx/challenge "$@"
}

# An authority that began anew knows no account of before, and the client would name that one for ever.
# command domains...: `run` or `renew`
ask() {
  command=$1
  shift
  # shellcheck disable=SC2086 # options of its own come with a command
  if said=$(client "$@" $command 2>&1); then
    echo "$said"
    return 0
  fi
  echo "$said" >&2
  case $said in *accountDoesNotExist*) ;; *) return 1 ;; esac
  rm -rf /state/accounts
  client "$@" run
}

# What was certified by this authority, and for the names that are wanted now, is only renewed when it is due. Every step
# says whether it failed: set -e does not count in a function whose outcome is asked for.
certify() {
  tenant=$1
  names=$(cat "/etc/fleet/wanted/$tenant") || return 1
  wanted="$DIRECTORY $EMAIL
$names"
  first=${names%%[!a-z0-9.-]*}
  set --
  for name in $names; do set -- "$@" --domains "$name"; done
  if [ -s "/state/certificates/$first.crt" ] && [ "$(cat "/state/names/$tenant" 2>/dev/null)" = "$wanted" ]; then
    ask "renew --no-random-sleep --days $RENEW_DAYS" "$@" || return 1
  else
    ask run "$@" || return 1
    printf '%s\n' "$wanted" >"/state/names/$tenant" || return 1
  fi
  staged=$certificates/$tenant.staged
  (umask 027 && cat "/state/certificates/$first.crt" "/state/certificates/$first.key" >"$staged") || return 1
  if cmp -s "$staged" "$certificates/$tenant.pem"; then rm "$staged"; else mv -f "$staged" "$certificates/$tenant.pem"; fi
}

one() (
  flock 9
  certify "$1" || {
    echo "acme: no new certificate for tenant $1; what nginx shows stays. It is tried again within 25 minutes." >&2
    exit 1
  }
) 9>/state/.lock

case $1 in
  now) one "$2" ;;
  watch)
    while pause; do
      for wanted in /etc/fleet/wanted/*; do
        if [ -f "$wanted" ]; then one "${wanted##*/}" || true; fi
      done
    done
    ;;
esac

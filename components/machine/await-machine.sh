#!/bin/sh
# Waits, on the machine that runs `up`, until a remote one can be worked on: it answers with its own key and lets the
# operator's user in. Says on standard error what it waits for, and at last why not. Safe to run again.
#   NAME     of the host                        PATIENCE  seconds until it has to answer
#   FINAL    shell line of an ssh client that knows the machine as it is in the end
#   FIRST    one that knows it as it is before that
# Its arguments, three by three, are what is done over FIRST: what to say, the file that is its standard input (-: this
# script's own), the line to run there.
set -eu
say() { echo "$NAME: $*" >&2; }
final() { eval "$FINAL \"\$@\""; }
first() { eval "$FIRST \"\$@\""; }
key=$(cat)
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# What a refused connection means for somebody who waits.
meaning() {
  case $(cat "$said") in
    *"Host key verification failed"* | *"REMOTE HOST IDENTIFICATION"* | *"No "*" host key is known"*)
      echo "it shows another host key than the one it was given" ;;
    *"Permission denied"*) echo "it does not let the operator in (is the private key of one of operators.keys here?)" ;;
    *"refused"*) echo "it is starting, and ssh does not answer yet" ;;
    *"timed out"* | *"No route"* | *"unreachable"*) echo "nothing answers at its address (is this machine in operators.addresses?)" ;;
    *) tail -n 1 "$said" ;;
  esac
}

# Succeeds once one of the two doors is open, and says in $door which.
found=
look() {
  if final true 2>"$said"; then door=final; elif first true 2>"$said"; then door=first; else return 1; fi
}
# An attempt may take as long as a connection's own patience, so the clock counts and not the attempts.
began=$(date +%s)
until look; do
  now=$(meaning)
  if [ "$now" != "$found" ]; then
    found=$now
    say "waiting: $found"
  fi
  if [ "$(($(date +%s) - began))" -ge "$PATIENCE" ]; then
    say "it could not be reached for $PATIENCE seconds: $found."
    say "Nothing on it was changed, and the next \`up\` goes on here. ssh said last:"
    cat "$said" >&2
    exit 1
  fi
  sleep 3
done
if [ "$door" = final ]; then exit 0; fi

# input line
step() {
  case $1 in
    -) printf '%s\n' "$key" | first "$2" ;;
    *) first "$2" <"$1" ;;
  esac >"$said" 2>&1
}
while [ $# -gt 0 ]; do
  say "$1"
  tries=0
  until step "$2" "$3"; do
    # 255 is the client's own: sshd may just be taking new settings, and what ran over there can run twice.
    if [ $? -ne 255 ] || [ "$tries" -ge 20 ]; then
      say "that failed, and the next \`up\` goes on with it. It said last:"
      tail -n 40 "$said" >&2
      exit 1
    fi
    if final true 2>/dev/null; then exit 0; fi
    tries=$((tries + 1))
    sleep 3
  done
  shift 3
done

waited=0
until final true 2>"$said"; do
  if [ "$waited" -ge 60 ]; then
    say "it was set up, but cannot be reached any more: $(meaning)"
    exit 1
  fi
  sleep 2
  waited=$((waited + 2))
done
say "it is set up"

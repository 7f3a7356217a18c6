#!/bin/sh
# Brings directories and files below $ROOT into being, from lines on standard input:
#   kind mode owner path base64     kind: directory | file | passphrase | trust | trust-only | secret | print;  "-": nothing
# Safe to run twice: a secret that exists is kept, a file is replaced as a whole. What a passphrase was before stays in
# its .former, a line each: something may be locked with it still. Authorities come to those that are believed (trust)
# or take their place (trust-only), with a moment for the programs on this host to notice.
set -eu
umask 077
mkdir -p "$ROOT"

# mode owner target: puts a finished file in place by a rename, so that a crash leaves the old one or the new one.
install_staged() {
  chown "$2" "$3.staged"
  chmod "$1" "$3.staged"
  mv -f "$3.staged" "$3"
}

# Programs look at their certificates once a second (sync-runtime/certificates.ts).
noticed_seconds=5
noticed=

# Lets every program take notice of what was changed before, once in a run.
let_notice() {
  if [ -z "$noticed" ]; then sleep "$noticed_seconds"; fi
  noticed=yes
}

# The certificates of files, each once, in the order in which they come.
certificates_of() {
  awk '/-----BEGIN/ { one = "" } { one = one $0 "\n" } /-----END/ && !seen[one]++ { printf "%s", one }' "$@"
}

grown=
while read -r kind mode owner path content; do
  target=$ROOT/$path
  case $kind in
    directory)
      mkdir -p "$target"
      chown "$owner" "$target"
      chmod "$mode" "$target"
      ;;
    file)
      if [ "$content" = - ]; then content=; fi
      printf %s "$content" | base64 -d >"$target.staged"
      install_staged "$mode" "$owner" "$target"
      ;;
    passphrase)
      printf %s "$content" | base64 -d >"$target.staged"
      if [ -s "$target" ] && ! cmp -s "$target.staged" "$target"; then
        if [ -f "$target.former" ]; then cat "$target.former" >"$target.former.staged"; else : >"$target.former.staged"; fi
        { cat "$target" && echo; } >>"$target.former.staged"
        install_staged "$mode" "$owner" "$target.former"
      fi
      install_staged "$mode" "$owner" "$target"
      ;;
    trust)
      printf %s "$content" | base64 -d >"$target.added"
      if [ -s "$target" ]; then
        certificates_of "$target" "$target.added" >"$target.staged"
        rm "$target.added"
        cmp -s "$target.staged" "$target" || grown=yes
      else
        mv "$target.added" "$target.staged"
      fi
      install_staged "$mode" "$owner" "$target"
      ;;
    trust-only)
      printf %s "$content" | base64 -d >"$target.staged"
      if [ -s "$target" ] && ! cmp -s "$target.staged" "$target"; then let_notice; fi
      install_staged "$mode" "$owner" "$target"
      ;;
    secret)
      if [ ! -s "$target" ]; then
        head -c 4096 /dev/urandom | LC_ALL=C tr -dc 'A-Za-z0-9' | head -c 32 >"$target.staged"
        install_staged "$mode" "$owner" "$target"
      fi
      ;;
    print)
      cat "$target"
      ;;
    *)
      echo "layout: \"$kind\" is no kind of entry; nothing after it was made" >&2
      exit 2
      ;;
  esac
done
if [ -n "$grown" ]; then let_notice; fi

# What the scripts of this folder share: a fluxd of their own on a free port, and counting.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
fluxd=${FLUXD:-$root/build/bin/fluxd}
work=$(mktemp -d "${TMPDIR:-/tmp}/flux-interop.XXXXXX")
port=
fluxd_pid=
passed=0
failed=0

free_port() {
  python3 -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# start_fluxd [--set key=value ...]: on $port, with data in $work/data; returns when it answers.
start_fluxd() {
  [[ -n $port ]] || port=$(free_port)
  "$fluxd" --set "listeners=PLAINTEXT://127.0.0.1:$port" --set "log.dirs=$work/data" "$@" \
    >>"$work/fluxd.log" 2>&1 &
  fluxd_pid=$!
  local tries=0
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    if ! kill -0 "$fluxd_pid" 2>/dev/null || ((++tries > 500)); then
      echo "fluxd did not come up; its last lines:" >&2
      tail -20 "$work/fluxd.log" >&2
      return 1
    fi
    sleep 0.02
  done
}

stop_fluxd() {
  [[ -n $fluxd_pid ]] || return 0
  kill -TERM "$fluxd_pid" 2>/dev/null || true
  wait "$fluxd_pid" 2>/dev/null || true
  fluxd_pid=
}

kill_fluxd() {
  kill -KILL "$fluxd_pid"
  wait "$fluxd_pid" 2>/dev/null || true
  fluxd_pid=
}

# check NAME COMMAND...: counts and reports.
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "ok    $name"
  else
    failed=$((failed + 1))
    echo "FAIL  $name"
  fi
}

# Files and their bytes; not times, since a directory is looked into. A broker that runs writes a
# mark when it has been idle for a moment.
digest_of() { # DIRECTORY
  local -a but=(! -name .lock)
  [[ -z $fluxd_pid ]] || but+=(! -name '*.integrity')
  (cd "$1" && find . -type f "${but[@]}" -exec sha256sum {} + | sort)
}

finish() {
  local status=$?
  [[ -z $fluxd_pid ]] || kill -KILL "$fluxd_pid" 2>/dev/null || true
  if ((status != 0)) || ((failed > 0)); then
    echo "kept for a look: $work"
    ((status != 0)) || status=1
    ((failed > 0)) || failed=1
  else
    rm -rf "$work"
  fi
  echo "$passed passed, $failed failed"
  exit "$status"
}
trap finish EXIT

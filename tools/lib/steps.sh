# Steps: a named command with a log, a line of progress, and a clear word when it fails.
# Sourced by tools/do, which sets `root` and stands in it.

log_dir=$root/build/logs
step_number=0
failed_steps=()

say() { printf '%s\n' "$*"; }

die() {
  printf 'tools/do: %s\n' "$*" >&2
  exit 1
}

# What the running script opens with: its --help.
script_help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# Shows every 15 seconds where a step is: the last line of its log. What is silent for minutes looks
# hung. It runs beside the step and ends with it, or with this shell.
show_progress() { # LOG
  local log=$1 waited=0 last
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    waited=$((waited + 1))
    if ((waited % 15 == 0)); then
      last=$(tail -c 2000 "$log" | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c 1-90) || true
      say "    ${waited}s  $last"
    fi
  done
}

# step NAME COMMAND...: runs the command with its output in build/logs/NAME.log. Returns its status;
# a failure is remembered in failed_steps and shown with the end of the log. The command runs in the
# foreground, so that an interrupt reaches it; it may be a function, but errexit is off inside.
step() {
  local name=$1 log=$log_dir/$1.log status=0 start=$SECONDS progress
  shift
  mkdir -p "$log_dir"
  step_number=$((step_number + 1))
  say "[$step_number] $name"
  : >"$log"
  show_progress "$log" &
  progress=$!
  "$@" >"$log" 2>&1 </dev/null || status=$?
  kill "$progress" 2>/dev/null || true
  wait "$progress" 2>/dev/null || true
  if ((status == 0)); then
    say "    done in $((SECONDS - start))s"
  else
    failed_steps+=("$name")
    say "    FAILED with status $status after $((SECONDS - start))s. The end of ${log#"$root"/}:"
    tail -n 40 "$log" | sed 's/^/    | /'
  fi
  return "$status"
}

# must NAME COMMAND...: a step without which nothing after it makes sense.
must() {
  step "$@" || die "step '$1' failed; its log is $log_dir/$1.log"
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    printf 'packages are missing and this is neither root nor a machine with sudo: %s\n' "$*" >&2
    return 1
  fi
}

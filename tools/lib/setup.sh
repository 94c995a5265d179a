# Setup: Debian's packages, at Debian's versions. Asks dpkg first: instant when all is there.

wanted_packages() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/tools/lib/packages.txt"; }

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null |
    awk '$2 == "installed" { print $1 }' | sort -u)
  comm -23 <(wanted_packages | sort -u) <(printf '%s\n' "$installed")
}

install_packages() {
  local -a apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q -y)
  as_root "${apt[@]}" update &&
    as_root "${apt[@]}" install --no-install-recommends "$@"
}

# What a tool chain of the interop clients is recognised by, and its package. One that is there by
# other means stays; one that Debian 12 has too old shows when its client is built.
interop_programs="go:golang-go node:nodejs npm:npm javac:openjdk-17-jdk-headless mvn:maven"

# Other people's clients at pinned versions, each by the tools of its language, into build/interop.
# One that cannot be had is named, and `tools/do interop` counts it as skipped.
setup_interop() {
  local pair
  local -a absent=()
  for pair in $interop_programs; do
    command -v "${pair%%:*}" >/dev/null || absent+=("${pair#*:}")
  done
  python3 -c 'import ensurepip' 2>/dev/null || absent+=(python3-venv)
  ((${#absent[@]} == 0)) || step setup-interop-packages install_packages "${absent[@]}" || true
  python3 "$root/tests/interop/clients.py" install
}

command_setup() {
  command -v dpkg-query >/dev/null ||
    die "setup knows Debian 12 only. Elsewhere, install what docs/dependencies.md lists."
  local -a missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} > 0)); then
    say "Missing packages: ${missing[*]}"
    must setup install_packages "${missing[@]}"
  fi
  case "$*" in
    '') ;;
    --interop) setup_interop ;;
    *) die "setup takes --interop, not $*" ;;
  esac
}

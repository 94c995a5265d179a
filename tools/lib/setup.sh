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

command_setup() {
  command -v dpkg-query >/dev/null ||
    die "setup knows Debian 12 only. Elsewhere, install what docs/dependencies.md lists."
  local -a missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) && return 0
  say "Missing packages: ${missing[*]}"
  must setup install_packages "${missing[@]}"
}

# Building. Configuring takes under a second when nothing changed, so it is never skipped: an edited
# preset takes effect.

jobs=$(nproc)

configure_and_build() { # PRESET [TARGET...]
  local preset=$1
  shift
  cmake --preset "$preset" &&
    cmake --build --preset "$preset" -j "$jobs" --target "${@:-all}"
}

build_preset() { # STEP PRESET [TARGET...]
  local name=$1
  shift
  step "$name" configure_and_build "$@"
}

# Builds the programs that people run. With arguments: another preset, and its targets.
command_build() {
  command_setup
  if (($# == 0)); then
    build_preset build release programs || exit 1
    say "In build/bin: $(ls "$root/build/bin" 2>/dev/null | tr '\n' ' ')"
  else
    local preset=$1
    shift
    build_preset "build-$preset" "$preset" "$@" || exit 1
  fi
}

command_clean() {
  rm -rf "$root/build"
  say "Removed build/. The compiler cache stays: ccache --clear empties it."
}

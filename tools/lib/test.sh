# Testing. `tools/do test` is what CI runs; `--all` is what a release takes; `tools/do test WORD` is
# the short loop of someone at work on one layer.
#
# A failing step does not end the run: what comes after it may say why.

passed=0
failed=0

count_result() { # STATUS: one test that is a whole program
  if (($1 == 0)); then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# A program that counts its own tests ends its output with "N passed, M failed". Where a failing
# step counted no failure it counts as one, so that nothing is lost.
count_log() { # STATUS STEP
  local status=$1 line
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log_dir/$2.log" | tail -n 1) || true
  if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    if ((status != 0 && BASH_REMATCH[2] == 0)); then failed=$((failed + 1)); fi
  else
    count_result "$status"
  fi
}

counted_step() { # NAME COMMAND...
  local status=0
  step "$@" || status=$?
  count_log "$status" "$1"
}

run_ctest() { # PRESET [CTEST ARGUMENT...]
  local preset=$1 status=0
  shift
  local build=$root/build/$preset
  rm -rf "$build/reports" "$build/ctest.xml"
  ctest --preset "$preset" -j "$jobs" --output-junit "$build/ctest.xml" "$@" || status=$?
  python3 "$root/tools/lib/count_tests.py" "$build/ctest.xml" "$build/reports"
  return "$status"
}

swarm() { # FLUXSIM SEEDS [SCENARIO]
  "$1" swarm ${3:+"$3"} --first 1 --seeds "$2" --jobs "$jobs"
}

test_release() {
  if build_preset build release; then
    counted_step headers cmake --build --preset release -j "$jobs" \
      --target all_verify_interface_header_sets
    counted_step test-release run_ctest release
  else
    count_result 1
  fi
  counted_step kcat-smoke "$root/tests/interop/kcat_smoke"
  local script
  for script in bad_starts flux_cli offline_log package; do
    counted_step "${script//_/-}" "$root/tests/interop/$script"
  done
  if [[ -x $root/build/bin/fluxsim ]]; then
    counted_step regress "$root/tests/zoo/regress" "$root/build/bin/fluxsim"
    counted_step tapes "$root/tests/zoo/tapes" "$root/build/bin/fluxsim"
    counted_step scenarios "$root/tests/zoo/scenarios" "$root/build/bin/fluxsim"
    counted_step swarm swarm "$root/build/bin/fluxsim" "$1"
    counted_step swarm-recreate swarm "$root/build/bin/fluxsim" 100 recreate_swarm
  fi
}

test_sanitized() {
  if build_preset build-asan asan sanitized_tests fluxsim; then
    counted_step test-asan run_ctest asan --label-regex '^(unit|parity|property|fuzz)$'
    if [[ -x $root/build/asan/bin/fluxsim ]]; then
      counted_step swarm-asan swarm "$root/build/asan/bin/fluxsim" 40
      counted_step planted "$root/tests/zoo/planted" "$root/build/asan/bin/fluxsim"
    fi
  else
    count_result 1
  fi
}

test_clang_in_full() {
  if build_preset build-clang clang; then
    counted_step test-clang run_ctest clang
  else
    count_result 1
  fi
}

# tools/do test WORD...: builds and runs, in the dev preset, the tests whose names hold a word.
test_matching() {
  local pattern
  pattern=$(IFS='|' && printf '%s' "$*")
  step configure-dev cmake --preset dev || exit 1
  local -a targets
  mapfile -t targets < <(comm -12 \
    <(ctest --test-dir build/dev -N -R "$pattern" | sed -n 's/.*Test *#[0-9]*: //p' | sort) \
    <(ninja -C build/dev -t targets all | sed -n 's/: phony$//p' | sort -u))
  ((${#targets[@]} == 0)) ||
    cmake --build --preset dev -j "$jobs" --target "${targets[@]}" || exit 1
  exec ctest --preset dev -R "$pattern"
}

command_test() {
  command_setup
  if (($# > 0)) && [[ $1 != --* ]]; then
    test_matching "$@"
  fi
  local depth=${1:-}
  [[ -z $depth || $depth == --all ]] || die "test takes --all or words of test names, not $depth"

  test_release "$([[ -z $depth ]] && echo 300 || echo 10000)"
  test_sanitized
  if [[ -z $depth ]]; then
    counted_step gate-short "$root/tools/gate" --short
  else
    test_clang_in_full
    counted_step gate "$root/tools/gate"
    local name
    for name in interop zoo mutate fuzz chaos bench; do
      counted_step "$name" "$root/tools/$name"
    done
  fi

  ((${#failed_steps[@]} == 0)) || say "Failed steps: ${failed_steps[*]}. Logs are in build/logs."
  say "Took $((SECONDS / 60)) min $((SECONDS % 60)) s."
  say "$passed passed, $failed failed"
  ((failed == 0 && ${#failed_steps[@]} == 0))
}

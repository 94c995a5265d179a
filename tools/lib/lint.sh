# Lint and format. The tidy test is part of the test run as well; clang-tidy is here only, since it
# costs more than the compiler.

cpp_files() { # every C++ file of the tree that is not ignored
  local file
  git ls-files --cached --others --exclude-standard | grep -E '\.(cpp|h)$' |
    while read -r file; do [[ ! -f $file ]] || printf '%s\n' "$file"; done
}

# What this work touched: since the last commit, or by the last commit if the tree is clean.
changed_files() {
  local changed
  changed=$(git diff --name-only HEAD && git ls-files --others --exclude-standard)
  [[ -n $changed ]] || changed=$(git diff --name-only HEAD~1 2>/dev/null || git ls-files)
  grep -E '\.(cpp|h)$' <<<"$changed" || true
}

# clang-tidy reads a header through the source file beside it.
changed_sources() {
  local file
  while read -r file; do
    file=${file%.h}
    file=${file%.cpp}.cpp
    if [[ -f $file ]]; then printf '%s\n' "$file"; fi
  done < <(changed_files) | sort -u
}

clang_tidy() { # FILE...
  printf '%s\n' "$@" |
    xargs -P "$jobs" -n 4 clang-tidy-19 --quiet --warnings-as-errors='*' -p build/clang
}

command_format() {
  command_setup
  cpp_files | xargs clang-format-19 -i
}

command_lint() {
  command_setup
  local -a all sources
  mapfile -t all < <(cpp_files)
  if [[ ${1:-} == --all ]]; then
    mapfile -t sources < <(printf '%s\n' "${all[@]}" | grep '\.cpp$')
  else
    mapfile -t sources < <(changed_sources)
  fi
  step tidy python3 tests/tidy/tidy.py || true
  step format clang-format-19 --dry-run --Werror "${all[@]}" || true
  if ((${#sources[@]} > 0)); then
    # clang-tidy needs the compile commands and the generated headers.
    if build_preset generate-clang clang generated; then
      step clang-tidy clang_tidy "${sources[@]}" || true
    fi
  fi
  ((${#failed_steps[@]} == 0)) || die "failed: ${failed_steps[*]}. Logs are in build/logs."
}

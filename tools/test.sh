#!/usr/bin/env bash
# Builds Cell2Text and runs its tests. The last line is "N passed, N failed".
#
# Usage: tools/test.sh [unit|oracle|full]
#   (nothing)  all tests: without, then with the Python oracles; each parser fuzzed for 4 s
#   unit       the fast ones alone, without Python
#   oracle     the comparisons with the Python oracles alone, the installed package from outside, what must not compile
#   full       everything, also under the sanitizers; a million inputs for each parser; the quickstarts in full;
#              writes docs/verification.md and the counts in docs/reliability.md
#
# Environment: CELL2TEXT_TEST_SEED repeats a run's random inputs.
# Exit status: 0 all passed, 1 not, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

mode=${1:-all}
case $mode in
  all | unit | oracle | full) ;;
  -h | --help) usage; exit 0 ;;
  *) fail 2 "unknown argument '$mode'; known: unit, oracle, full, --help" ;;
esac
(($# <= 1)) || fail 2 "one argument at most, found $#"

fuzz_failed=0 quickstarts="0 passed, 0 failed"
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
parts=()   # "seconds TAB name", in the order of running
began=$SECONDS
part() { # part NAME: ends the present part
  parts+=("$((SECONDS - began))"$'\t'"$1")
  say "$1: $((SECONDS - began)) s"
  began=$SECONDS
}

# tests PRESET LABEL PARALLEL [NAME PATTERN]: runs the tests of a label (of these those that the pattern names), goes on
# whatever comes out, keeps the result under NAME, or the label's.
tests() {
  local log=$results/$1-${4:-$2}.log
  ctest --test-dir "$root/build/$1" -L "^$2\$" -R "${5:-.}" --parallel "$3" --no-tests=ignore --output-on-failure \
    --test-output-size-passed 1048576 --test-output-size-failed 1048576 --output-junit "$results/$1-${4:-$2}.xml" 2>&1 |
    tee "$log" | grep -E '^ *[0-9]+/[0-9]+ Test' >&2 || true
  if ! grep -q '100% tests passed' "$log" && grep -q 'tests passed' "$log"; then
    sed -n '/^Test project/,$p' "$log" | grep -vE '^ *(Start|[0-9]+/[0-9]+ Test .*Passed)' >&2
  fi
}

if [[ $mode == unit ]]; then "$root/tools/install_dependencies.sh"; else "$root/tools/install_dependencies.sh" --oracles; fi
part "dependencies"
build release
part "build"
if [[ $mode != oracle ]]; then
  tests release unit "$(nproc)"
  part "fast tests"
fi
if [[ $mode != unit ]]; then
  tests release oracle "$(nproc)"
  part "oracle tests"
  if nvidia-smi -L 2>/dev/null | grep -q GPU; then
    CELL2TEXT_TEST_DEVICE=cuda tests release oracle 1 gpu '^(llama|gemma)\.oracle$'
    part "decoders on the GPU"
  fi
fi
if [[ $mode == all ]]; then
  "$root/tools/fuzz.sh" --seconds 4 || fuzz_failed=1
  part "fuzzing"
elif [[ $mode == full ]]; then
  "$root/tools/fuzz.sh" --runs 1000000 --changed --record || fuzz_failed=1
  part "fuzzing"
fi
if [[ $mode == full ]]; then
  "$root/tools/quickstarts.sh" | tee "$results/quickstarts.log" >&2 || true
  quickstarts=$(sed -n '$p' "$results/quickstarts.log")
  part "quickstarts"
  build dev
  part "build with sanitizers"
  ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1} \
    LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/leaks.txt:print_suppressions=0} \
    tests dev unit "$(nproc)"
  part "fast tests with sanitizers"
fi

python=$root/.deps/env/bin/python
"$python" "$root/tools/slowest_files.py" "$root/build/release"
printf '\n%8s  %s\n' seconds part
for line in "${parts[@]}"; do printf '%8s  %s\n' "${line%%$'\t'*}" "${line#*$'\t'}"; done
shopt -s nullglob
files=("$results"/*.xml)
((${#files[@]})) || fail 1 "ctest found no tests in build/release; by hand: ctest --test-dir '$root/build/release' -N"
status=0
count=$("$python" "$root/tools/count_tests.py" --names "${files[@]}") || status=1
if ((fuzz_failed)); then
  say "fuzzing found something (above)"
  status=1
fi
if [[ $quickstarts != *" passed, 0 failed" ]]; then
  say "a quickstart failed (above)"
  status=1
fi

# verification: the page that `full` leaves behind.
# shellcheck disable=SC2016
verification() {
  local line name file result
  printf '# Verification\n\nWhat `tools/test.sh full` last found, written by it. Times in seconds of wall clock.\n\n'
  printf '| what | version or value |\n| --- | --- |\n'
  # shellcheck source=/dev/null
  printf '| system | %s, %s cores, %s GB of memory |\n' "$(. /etc/os-release && echo "$PRETTY_NAME")" "$(nproc)" \
    "$(awk '/^MemTotal:/ {print int($2 / 1048576 + 0.5)}' /proc/meminfo)"
  printf '| compiler | %s |\n' "$("$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$root/build/release/CMakeCache.txt")" --version | head -1)"
  printf '| CMake | %s |\n' "$(cmake --version | sed -n '1s/.* //p')"
  printf '| LibTorch | %s |\n' "$("$python" -c 'import importlib.metadata as m; print(m.version("torch"))')"
  printf '| Python packages | `tools/requirements/*.txt`, sha256 of all begins with `%s` |\n' \
    "$(cat "$root"/tools/requirements/*.txt | sha256sum | cut -c1-16)"
  printf '| random inputs | %s |\n' "${CELL2TEXT_TEST_SEED:-made anew}"
  printf '\n| part | result | seconds |\n| --- | --- | ---: |\n'
  for line in "${parts[@]}"; do
    name=${line#*$'\t'} file="" result="finished"
    case $name in
      "fast tests") file=release-unit ;;
      "oracle tests") file=release-oracle ;;
      quickstarts) result=$quickstarts ;;
      "fast tests with sanitizers") file=dev-unit ;;
      fuzzing) if ((fuzz_failed)); then result="findings"; else result="no findings"; fi ;;
    esac
    if [[ -n $file ]]; then
      result="no tests"
      if [[ -e $results/$file.xml ]]; then
        result=$("$python" "$root/tools/count_tests.py" "$results/$file.xml" || true)
        if [[ $result == "0 passed, 0 failed" ]]; then result="no tests"; fi
      fi
    fi
    printf '| %s | %s | %s |\n' "$name" "$result" "${line%%$'\t'*}"
  done
  printf '\nSlowest files to compile (`tools/slowest_files.py build/release`):\n\n```\n'
  "$python" "$root/tools/slowest_files.py" "$root/build/release" | tail -n +2
  printf '```\n'
}

if [[ $mode == full ]]; then
  mkdir -p "$root/docs"
  verification >"$root/docs/verification.md.tmp"
  mv "$root/docs/verification.md.tmp" "$root/docs/verification.md"
  say "wrote docs/verification.md"
fi
printf '\n%s\n' "$count"
exit "$status"

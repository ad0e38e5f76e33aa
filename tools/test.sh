#!/usr/bin/env bash
# Builds Cell2Text and runs its tests. The last line is "N passed, N failed".
#
# Usage: tools/test.sh [unit|oracle|full [PART...]]
#   (nothing)  all tests: without, then with the Python oracles; each parser fuzzed for 4 s
#   unit       the fast ones alone, without Python
#   oracle     the comparisons with the Python oracles alone, the installed package from outside, what must not compile
#   full       everything, also under the sanitizers; a million inputs for each parser; the quickstarts in full.
#              Writes docs/verification.md, part by part, and the counts in docs/reliability.md.
#   PART       of `full` these alone: fast, oracles, fuzzing, quickstarts, sanitizers
#
# Environment: CELL2TEXT_TEST_SEED repeats a run's random inputs.
# Exit status: 0 all passed, 1 not, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

mode=${1:-all}
(($# == 0)) || shift
case $mode in
  all) wanted=(fast oracles fuzzing) ;;
  unit) wanted=(fast) ;;
  oracle) wanted=(oracles) ;;
  full) wanted=(fast oracles fuzzing quickstarts sanitizers) ;;
  -h | --help) usage; exit 0 ;;
  *) fail 2 "unknown argument '$mode'; known: unit, oracle, full, --help" ;;
esac
if [[ $mode == full ]] && (($#)); then
  for name in "$@"; do
    [[ " ${wanted[*]} " == *" $name "* ]] || fail 2 "unknown part '$name'; known: ${wanted[*]}"
  done
  wanted=("$@")
elif (($#)); then
  fail 2 "'$mode' takes no argument, found '$1'"
fi
wants() { [[ " ${wanted[*]} " == *" $1 "* ]]; }

passed=0 failed=0 status=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
parts=()   # "seconds TAB name", in the order of running
began=$SECONDS
# part NAME [RESULT]: ends the present part; the page of `full` is told.
part() {
  local seconds=$((SECONDS - began)) build=$root/build/release
  parts+=("$seconds"$'\t'"$1")
  say "$1: $seconds s${2:+, $2}"
  if [[ $1 == *sanitizers ]]; then build=$root/build/dev; fi
  if [[ $mode == full && -n ${2:-} ]]; then
    "$python" "$root/tools/verification.py" "$root/docs/verification.md" --part "$1" --result "$2" \
      --seconds "$seconds" --build "$build"
  fi
  began=$SECONDS
}
python=$root/.deps/env/bin/python

# count RESULT: adds what "N passed, N failed" tells.
count() {
  read -r more_passed more_failed <<<"$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<<"$1")" || true
  passed=$((passed + ${more_passed:-0})) failed=$((failed + ${more_failed:-1}))
}

# tests PRESET LABEL PARALLEL NAME [PATTERN]: runs the tests of a label (of these those that the pattern names) as the
# part NAME, and goes on whatever comes out.
tests() {
  local log=$results/log file=$results/result.xml result
  rm -f "$file"
  ctest --test-dir "$root/build/$1" -L "^$2\$" -R "${5:-.}" --parallel "$3" --no-tests=ignore --output-on-failure \
    --test-output-size-passed 1048576 --test-output-size-failed 1048576 --output-junit "$file" 2>&1 |
    tee "$log" | grep -E '^ *[0-9]+/[0-9]+ Test' >&2 || true
  if ! grep -q '100% tests passed' "$log" && grep -q 'tests passed' "$log"; then
    sed -n '/^Test project/,$p' "$log" | grep -vE '^ *(Start|[0-9]+/[0-9]+ Test .*Passed)' >&2 || true
  fi
  [[ -e $file ]] || fail 1 "ctest found no tests in build/$1; by hand: ctest --test-dir '$root/build/$1' -N"
  result=$("$python" "$root/tools/count_tests.py" --names "$file") || status=1
  if [[ $result == "failed in: "* ]]; then say "${result%%$'\n'*}"; fi
  count "$result"
  part "$4" "${result##*$'\n'}"
}

# fuzz ARGUMENT...: all targets, as one test.
fuzz() {
  local result="no findings"
  if "$root/tools/fuzz.sh" "$@"; then
    passed=$((passed + 1))
  else
    result="findings" status=1 failed=$((failed + 1))
  fi
  part "fuzzing" "$result"
}

if wants oracles || wants fuzzing || [[ $mode == full ]]; then
  "$root/tools/install_dependencies.sh" --oracles
else
  "$root/tools/install_dependencies.sh"
fi
part "dependencies"
if wants fast || wants oracles; then
  build release
  part "build" "finished"
fi
if wants fast; then tests release unit "$(nproc)" "fast tests"; fi
if wants oracles; then
  tests release oracle "$(nproc)" "oracle tests"
  if nvidia-smi -L 2>/dev/null | grep -q GPU; then
    CELL2TEXT_TEST_DEVICE=cuda tests release oracle 1 "decoders on the GPU" '^(llama|gemma)\.oracle$'
  fi
fi
if wants fuzzing && [[ $mode == full ]]; then fuzz --runs 1000000 --changed --record; fi
if wants fuzzing && [[ $mode == all ]]; then fuzz --seconds 4; fi
if wants quickstarts; then
  "$root/tools/quickstarts.sh" | tee "$results/quickstarts" >&2 || status=1
  result=$(sed -n '$p' "$results/quickstarts")
  count "$result"
  part "quickstarts" "$result"
fi
if wants sanitizers; then
  build dev
  part "build with sanitizers" "finished"
  ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1} \
    LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/leaks.txt:print_suppressions=0} \
    tests dev unit "$(nproc)" "fast tests with sanitizers"
fi

for preset in release dev; do
  if [[ -e $root/build/$preset/.ninja_log ]]; then "$python" "$root/tools/slowest_files.py" "$root/build/$preset"; fi
done
printf '\n%8s  %s\n' seconds part
for line in "${parts[@]}"; do printf '%8s  %s\n' "${line%%$'\t'*}" "${line#*$'\t'}"; done
printf '\n%s passed, %s failed\n' "$passed" "$failed"
exit "$status"

#!/usr/bin/env bash
# Builds the fuzz targets of the parsers with clang's libFuzzer and runs them, as many at once as there are cores.
# Each starts from the inputs kept in tests/fuzz and from what earlier runs found of interest (build/fuzz/corpus).
#
# Usage: tools/fuzz.sh [--seconds N | --runs N] [--record] [--changed] [NAME...]
#   --seconds N  each target for N seconds (default: 10)
#   --runs N     each target for N inputs
#   --record     write the counts into the table in docs/reliability.md; rows of targets that were not run stay
#   --changed    with --runs: passes over targets that had as many inputs by that table, without a finding, and whose
#                sources (the parser's headers and the target) have not changed since
#   NAME...      these targets only: the files of tests/fuzz/targets without their ending
#
# Exit status: 0 no finding, 1 a finding or a failed build, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

limit=(-max_total_time=10) record=0 changed=0 runs=0 names=()
while (($#)); do
  case $1 in
    --seconds | --runs)
      [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || fail 2 "$1 needs a whole number from 1, found '${2:-}'"
      if [[ $1 == --seconds ]]; then limit=("-max_total_time=$2"); else limit=("-runs=$2") runs=$2; fi
      shift ;;
    --record) record=1 ;;
    --changed) changed=1 ;;
    -h | --help) usage; exit 0 ;;
    -*) fail 2 "unknown argument '$1'; known: --seconds N, --runs N, --record, --changed, --help" ;;
    *)
      [[ -e $root/tests/fuzz/targets/$1.hpp ]] ||
        fail 2 "no target '$1'; known: $(cd "$root/tests/fuzz/targets" && echo *.hpp | sed 's/\.hpp//g')"
      names+=("$1") ;;
  esac
  shift
done
if ((${#names[@]} == 0)); then
  for file in "$root"/tests/fuzz/targets/*.hpp; do names+=("$(basename "$file" .hpp)"); done
fi

command -v clang++ >/dev/null || fail 1 "clang++ is missing; run tools/install_dependencies.sh --oracles"
folder=$root/build/fuzz
page=$root/docs/reliability.md
((!changed || runs)) || fail 2 "--changed needs --runs N"
build fuzz "${names[@]/#/fuzz_}"
# Small inputs are made and freed by the thousand: a small quarantine stays in the processor's cache: a seventh less time for tiktoken's.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=8}

# sources NAME: a hash of the project's files that the target was compiled from, by path and content.
sources() {
  (cd "$root" && ninja -C "$folder" -t deps "tests/fuzz/CMakeFiles/fuzz_$1.dir/main.cpp.o" |
    sed -nE "s#^ +($root/|\.\./\.\./)##p" | sort -u | xargs sha256sum) | sha256sum | cut -c1-12
}

# recorded: the table's rows, "name inputs seconds findings sources".
recorded() {
  sed -n '/^<!-- fuzz begin -->$/,/^<!-- fuzz end -->$/s/^| `\([a-z_]*\)` | \([0-9]*\) | \([0-9]*\) | \([0-9]*\) | `\([0-9a-f]*\)` |$/\1 \2 \3 \4 \5/p' "$page"
}

if ((changed)); then
  kept=()
  for name in "${names[@]}"; do
    read -r inputs _ findings hash <<<"$(recorded | sed -n "s/^$name //p")" || true
    if [[ ${findings:-1} == 0 && ${inputs:-0} -ge $runs && ${hash:-} == "$(sources "$name")" ]]; then
      say "$name: had $inputs inputs and has not changed since"
    else
      kept+=("$name")
    fi
  done
  names=("${kept[@]}")
fi

# executed NAME: how many inputs it had by its log, in all its runs.
executed() { awk '/^stat::number_of_executed_units:/ { sum += $2 } END { print sum + 0 }' "$folder/log/$1"; }

# starved NAME: whether it ended for inputs alone that are not slow when they are tried again. Where a process gets no
# processor, or the machine stands still, any input looks slow.
starved() {
  local file
  for file in "$folder/findings/$1"/*; do
    [[ $file == */timeout-* ]] && "$folder/tests/fuzz/fuzz_$1" -timeout=5 "$file" >/dev/null 2>&1 || return 1
    say "$1: $file was slow, and is not when tried again: no finding"
    rm "$file"
  done
}

# one NAME: runs a target; leaves build/fuzz/log/NAME and the inputs that broke it in build/fuzz/findings/NAME.
one() {
  local name=$1 started=$SECONDS status left=("${limit[@]}")
  rm -rf "$folder/findings/$name"
  mkdir -p "$folder/corpus/$name" "$folder/findings/$name" "$folder/log"
  local folders=("$folder/corpus/$name" "$root/tests/fuzz/corpus/$name")
  if [[ -d $root/tests/fuzz/attacks/$name ]]; then folders+=("$root/tests/fuzz/attacks/$name"); fi
  : >"$folder/log/$name"
  while true; do
    status=0
    # A gigabyte and five seconds for a few kilobytes of input: far more than any parser needs.
    "$folder/tests/fuzz/fuzz_$name" "${left[@]}" -timeout=5 -rss_limit_mb=1536 -malloc_limit_mb=1024 \
      -print_final_stats=1 "-artifact_prefix=$folder/findings/$name/" "${folders[@]}" >>"$folder/log/$name" 2>&1 ||
      status=$?
    if ((!status)) || ! starved "$name"; then break; fi
    status=0
    if ((runs <= $(executed "$name"))); then break; fi  # also where it was to run for a time
    left=("-runs=$((runs - $(executed "$name")))")
  done
  echo "$status $((SECONDS - started))" >"$folder/log/$name.status"
}

# row NAME: "inputs seconds new findings", from the log.
row() {
  local status seconds
  read -r status seconds <"$folder/log/$1.status"
  awk -v status="$status" -v seconds="$seconds" '
    /^stat::number_of_executed_units:/ { inputs += $2 }
    / cov: [0-9]+/ { for (i = 1; i < NF; i++) if ($i == "cov:") { last = $(i + 1); if ($2 == "INITED" && !first) first = last } }
    END { printf "%d %d %d %d\n", inputs, seconds, last - first, status != 0 }' "$folder/log/$1"
}

# had NAME: whether this run has finished the target.
had() { [[ -e $folder/log/$1.status ]]; }

# rows: of the page's table, with the targets that this run has finished in the place of their earlier rows.
rows() {
  recorded | while read -r name rest; do
    if [[ -e $root/tests/fuzz/targets/$name.hpp ]] && ! { [[ " ${names[*]} " == *" $name "* ]] && had "$name"; }; then
      echo "$name $rest"
    fi
  done
  for name in "${names[@]}"; do
    had "$name" || continue
    read -r inputs seconds _ findings <<<"$(row "$name")"
    echo "$name $inputs $seconds $findings $(sources "$name")"
  done
}

# keep: writes the table, if that was asked for; after each target, so that a run that is ended keeps what it had.
# shellcheck disable=SC2016
keep() {
  ((record)) || return 0
  {
    sed '/^<!-- fuzz begin -->$/q' "$page"
    printf '| target | inputs | seconds | findings | sources |\n| --- | ---: | ---: | ---: | --- |\n'
    rows | sort | while read -r name inputs seconds findings hash; do
      printf '| `%s` | %s | %s | %s | `%s` |\n' "$name" "$inputs" "$seconds" "$findings" "$hash"
    done
    printf '\nWritten by `tools/fuzz.sh --record`: %s, %s cores. The last column is a hash of what was fuzzed.\n' \
      "$(clang++ --version | head -1)" "$(nproc)"
    sed -n '/^<!-- fuzz end -->$/,$p' "$page"
  } >"$page.tmp"
  mv "$page.tmp" "$page"
}

if ((record)) && [[ $(grep -cE '^<!-- fuzz (begin|end) -->$' "$page") != 2 ]]; then
  fail 1 "$page lacks the lines '<!-- fuzz begin -->' and '<!-- fuzz end -->', between which the table goes"
fi
for name in "${names[@]}"; do rm -f "$folder/log/$name.status"; done
began=$SECONDS
running=0
for name in "${names[@]}"; do
  if ((running == $(nproc))); then
    wait -n || true
    running=$((running - 1))
    keep
  fi
  one "$name" &
  running=$((running + 1))
done
while ((running)); do
  wait -n || true
  running=$((running - 1))
  keep
done

status=0 table=""
for name in "${names[@]}"; do
  read -r inputs seconds new findings <<<"$(row "$name")"
  table+="$name $inputs $seconds $new $findings"$'\n'
  if ((findings)); then
    status=1
    grep -E 'ERROR|SUMMARY|runtime error|what\(\)|interrupted' "$folder/log/$name" | head -10 >&2 ||
      tail -20 "$folder/log/$name" >&2
    for file in "$folder/findings/$name"/*; do
      [[ -e $file ]] || continue
      say "$name: to see it again: $folder/tests/fuzz/fuzz_$name '$file'"
    done
  fi
done
printf '\n%-18s %12s %8s %13s %9s\n' target inputs seconds 'new coverage' findings
total=0
while read -r name inputs seconds new findings; do
  [[ -n $name ]] || continue
  total=$((total + inputs))
  printf '%-18s %12s %8s %13s %9s\n' "$name" "$inputs" "$seconds" "$new" "$findings"
done <<<"$table"
printf '%-18s %12s %8s\n' total "$total" "$((SECONDS - began))"

if ((record)); then say "wrote docs/reliability.md"; fi
exit "$status"

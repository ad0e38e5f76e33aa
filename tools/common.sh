# shellcheck shell=bash
# What the scripts of this folder share: the checkout, messages, timings. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
started=$SECONDS

# say TEXT...: a progress line with the seconds since the script began, on stderr.
say() { printf '[%3d s] %s\n' "$((SECONDS - started))" "$*" >&2; }

# fail STATUS TEXT...: one sentence, then the end. 1: the machine's fault, 2: the caller's.
fail() {
  local status=$1
  shift
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit "$status"
}

# usage: prints the comment at the head of the calling script.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# jobs: compilers to run at once: at most one a core and one for each 2 GB of free memory.
jobs() {
  local cores by_memory
  cores=$(nproc)
  by_memory=$(awk '/^MemAvailable:/ {print int($2 / 2097152)}' /proc/meminfo 2>/dev/null || true)
  if [[ -n $by_memory && $by_memory -lt $cores ]]; then cores=$by_memory; fi
  echo "$((cores < 1 ? 1 : cores))"
}

# Ubuntu 22.04's own g++ is version 11; install_dependencies.sh adds version 12 beside it.
if [[ -z ${CXX:-} ]] && command -v g++-12 >/dev/null; then
  version=$(g++ -dumpversion 2>/dev/null || echo 0)
  if ((${version%%.*} < 12)); then export CXX=g++-12; fi
  unset version
fi

# build PRESET [TARGET...]: configures where needed, builds, says how long both took.
build() {
  local preset=$1 began=$SECONDS log
  shift
  log=$(mktemp)
  if ! (cd "$root" && cmake --preset "$preset") >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail 1 "cmake could not configure the build (its output is above); by hand: cd '$root' && cmake --preset $preset"
  fi
  rm -f "$log"
  say "configured build/$preset ($((SECONDS - began)) s)"
  began=$SECONDS
  local arguments=(--build "$root/build/$preset" --parallel "$(jobs)")
  if (($#)); then arguments+=(--target "$@"); fi
  cmake "${arguments[@]}" >&2 ||
    fail 1 "the build failed (the compiler's messages are above); by hand: cmake --build '$root/build/$preset'"
  say "built build/$preset ($((SECONDS - began)) s)"
}

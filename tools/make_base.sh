#!/usr/bin/env bash
# Makes the decoder that examples/quickstart-lora.toml adapts: the quickstart's, trained from random weights as a plain
# language model on the definitions of the Cell Ontology and on the description template filled at random. No cell is
# read for it, and no text that holds the description of a cell of the demo data is in it. About 2 minutes on 2 cores.
#
# Usage: tools/make_base.sh [--out DIR] [--seed N] [--epochs N]
#   --out DIR    Hugging Face folder to write (default: runs/base in the checkout)
#   --seed N     of the weights and texts (default: 0)
#   --epochs N   passes over the ontology's terms (default: 3)
#
# Exit status: 0 done, 1 could not be done, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

out=$root/runs/base seed=0 epochs=3
while (($#)); do
  case $1 in
    --out | --seed | --epochs)
      [[ -n ${2:-} ]] || fail 2 "$1 needs a value"
      case $1 in
        --out) out=$2 ;;
        --seed) seed=$2 ;;
        --epochs) epochs=$2 ;;
      esac
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) fail 2 "unknown argument '$1'; known: --out DIR, --seed N, --epochs N, --help" ;;
  esac
  shift
done
for number in "$seed" "$epochs"; do
  [[ $number =~ ^[0-9]{1,9}$ ]] || fail 2 "'$number' is no whole number"
done
[[ $out == /* ]] || out=$PWD/$out

"$root/tools/install_dependencies.sh"
build release make_base cell2text_all
began=$SECONDS
cd "$root"
"$root/build/release/bin/make_base" examples/quickstart.toml "$out" "$seed" "$epochs" ||
  fail 1 "the base was not made (the reason is above)"
say "base trained ($((SECONDS - began)) s): $out"
printf '\nNext:\n  build/release/bin/cell2text run examples/quickstart-lora.toml --set decoder.checkpoint=%q\n' "$out"

#!/usr/bin/env bash
# From a fresh checkout to descriptions of real cells: installs what is missing, builds, trains a small model
# on 700 blood cells, describes held-out ones, scores the texts, and writes a report. What is done is skipped.
#
# Usage: tools/quickstart.sh [--short] [--out DIR] [--experiment FILE] [--set KEY=VALUE]...
#   --short            a shortened training, for a quick check
#   --out DIR          folder of the run (default: runs/ and the experiment's file name, in the checkout)
#   --experiment FILE  another experiment, for instance examples/quickstart-scgpt.toml (default: examples/quickstart.toml)
#   --set KEY=VALUE    as for cell2text run
#
# Exit status: 0 done, 1 could not be done, 2 wrong arguments.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

short_epochs=5
out="" short=0 experiment=examples/quickstart.toml changes=()
while (($#)); do
  case $1 in
    --short) short=1 ;;
    --out)
      [[ -n ${2:-} ]] || fail 2 "--out needs a folder"
      out=$2
      shift
      ;;
    --experiment)
      [[ -f ${2:-} ]] || fail 2 "--experiment needs a file, found '${2:-}'"
      experiment=$(realpath "$2")
      shift
      ;;
    --set)
      [[ ${2:-} == ?*=* ]] || fail 2 "--set needs KEY=VALUE, found '${2:-}'"
      changes+=(--set "$2")
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) fail 2 "unknown argument '$1'; known: --short, --out DIR, --experiment FILE, --set KEY=VALUE, --help" ;;
  esac
  shift
done
if [[ -z $out ]]; then
  out=$root/runs/$(basename "$experiment" .toml)
elif [[ $out != /* ]]; then
  out=$PWD/$out
fi

what_next() {
  printf '\nreport: %s\nmodel:  %s\n\n' "$out/report.html" "$out/model"
  printf 'Next: open the report in a browser, describe cells of your own, or change a setting:\n'
  printf '  %q describe CELLS.h5ad --model %q -o described.h5ad\n' "$program" "$out/model"
  printf '  %q run %s --set training.epochs=5 --out runs/mine\n' "$program" "$experiment"
}

program=$root/build/release/bin/cell2text
"$root/tools/install_dependencies.sh"
build release cell2text_all

if [[ -e $out/metrics.json ]]; then
  say "$out: this run is finished and is not repeated; to repeat it, remove the folder or give another one with --out"
  "$root/.deps/env/bin/python" "$root/tools/show_run.py" "$out"
  what_next
  exit 0
fi
if [[ -e $out/experiment.toml ]]; then
  kept=$out.unfinished-$(date +%s)
  mv "$out" "$kept" || fail 1 "the unfinished run $out cannot be moved away; by hand: rm -r '$out'"
  say "$out holds an unfinished run; it was moved to $kept"
fi
arguments=(run "$experiment" --out "$out" "${changes[@]}")
if ((short)); then arguments+=(--set "training.epochs=$short_epochs"); fi
began=$SECONDS
cd "$root"
"$program" "${arguments[@]}" || fail 1 "the run failed (the reason is above); by hand: cd '$root' && '$program' ${arguments[*]}"
say "trained, described and scored ($((SECONDS - began)) s)"
what_next

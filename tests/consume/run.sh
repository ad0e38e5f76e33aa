#!/usr/bin/env bash
# The installed package from outside. Installs a build into a temporary folder, moves it, and uses it without the
# checkout: builds an empty project and a GRU decoder, trains the latter ten steps, describes cells with it by beam
# search, alone and in batches.
#
# Usage: tests/consume/run.sh BUILD_DIR      (keeps the temporary folder if CELL2TEXT_KEEP is set)
set -euo pipefail

fail() {
  echo "consume: $*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
[[ $# == 1 && -e $1/CMakeCache.txt ]] || { echo "usage: $0 BUILD_DIR (one that cmake has configured)" >&2; exit 2; }
build_dir=$(cd "$1" && pwd)
python=$source_dir/.deps/env/bin/python

work=$(mktemp -d "${TMPDIR:-/tmp}/cell2text consume XXXXXX")  # with spaces in it, on purpose
trap '[[ -n ${CELL2TEXT_KEEP:-} ]] || rm -rf "$work"' EXIT
prefix="$work/moved away"

step() { echo "--- $* ($SECONDS s)"; }

# Runs a command as a user would who never had the checkout.
outside() { (cd "$work" && env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$work" "$@"); }

# ours FILE...: fails where one of the files names the checkout or the build tree.
ours() {
  local found
  found=$(grep -alF -e "$source_dir/" -e "$build_dir" "$@" || true)
  [[ -z $found ]] || fail "the path of the checkout is in: $found"
}

step "installing $build_dir"
cmake --install "$build_dir" --prefix "$work/prefix" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install failed"; }
[[ -L $work/prefix/lib/cell2text/torch ]] || fail "the installation made no link lib/cell2text/torch"

step "moving it, and LibTorch"
site=$(cd -P "$work/prefix/lib/cell2text/torch/.." && pwd)
mkdir -p "$work/libtorch"
for package in torch nvidia; do
  cp -al "$site/$package" "$work/libtorch/" 2>/dev/null || cp -a "$site/$package" "$work/libtorch/"
done
mv "$work/prefix" "$prefix"
ln -sfn "$work/libtorch/torch" "$prefix/lib/cell2text/torch"
mapfile -d '' package_files < <(find "$prefix/lib/cmake" -type f -print0)
ours "${package_files[@]}"
for library in "$prefix"/bin/* "$prefix"/lib/cell2text/plugins/*.so; do
  linked=$(outside ldd "$library")
  if grep -F -e "not found" -e "$source_dir/" -e "$build_dir" <<<"$linked"; then
    fail "$library does not find its libraries after the move, or finds them in the checkout (above)"
  fi
done

# build_project NAME TARGET: configures and builds tests/consume/NAME against the moved package.
build_project() {
  cp -r "$here/$1" "$work/$1"
  outside cmake -S "$work/$1" -B "$work/$1/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$work/$1.log" 2>&1 || { cat "$work/$1.log"; fail "configuring $1 failed"; }
  outside cmake --build "$work/$1/build" >>"$work/$1.log" 2>&1 || { cat "$work/$1.log"; fail "building $1 failed"; }
  ! grep -i warning "$work/$1.log" || fail "building $1 gives warnings (above)"
  ours "$work/$1/build/compile_commands.json" "$work/$1/build/build.ninja"
  outside ninja -C "$work/$1/build" -t deps >"$work/$1.deps"
  ours "$work/$1.deps"
}

step "an empty project"
build_project empty
outside "$work/empty/build/empty"

step "the GRU decoder ($(wc -l <"$here/gru/gru.cpp") lines)"
build_project gru
(($(wc -l <"$here/gru/gru.cpp") < 100)) || fail "the GRU decoder has 100 lines or more"

program=(CELL2TEXT_PLUGIN_PATH="$work/gru/build" "$prefix/bin/cell2text")
outside "${program[@]}" plugins list | tee "$work/plugins.txt"
grep -qE '^decoder +gru +' "$work/plugins.txt" || fail "'cell2text plugins list' does not show the decoder 'gru'"
grep -qE '^decoder +llama +' "$work/plugins.txt" || fail "'cell2text plugins list' does not show the decoder 'llama'"

step "ten steps, then beams, 16 cells at once"
mkdir -p "$work/data"
cp -r "$source_dir/data/demo" "$work/data/"
run() { outside "${program[@]}" run "$work/gru/experiment.toml" "$@" || fail "'cell2text run' failed (above)"; }
run --out "$work/together"
step "the same, one cell at a time"
run --out "$work/alone" --set generation.batch_size=1
step "the saved model, opened again"
outside "${program[@]}" describe data/demo/pbmc.h5ad --model "$work/together/model" \
  -o "$work/described.jsonl" --beams 1 --batch-size 64 ||
  fail "'cell2text describe' failed (above)"

"$python" - "$work" <<'END'
import json, pathlib, sys
work = pathlib.Path(sys.argv[1])
lines = lambda path: [json.loads(line) for line in path.read_text().splitlines()]
steps = [line for line in lines(work / "together/log.jsonl") if "loss" in line]
assert len(steps) == 10, f"{len(steps)} steps in log.jsonl, expected 10"
assert steps[-1]["loss"] < steps[0]["loss"], f"the loss did not fall: {steps[0]['loss']} -> {steps[-1]['loss']}"
together, alone = (lines(work / name / "predictions.jsonl") for name in ("together", "alone"))
assert len(together) == len(alone) > 20, f"{len(together)} and {len(alone)} predictions"
for a, b in zip(together, alone):
    assert a["cell"] == b["cell"] and a["prediction"] == b["prediction"], f"alone and in a batch differ:\n{a}\n{b}"
    assert abs(a["log_probability"] - b["log_probability"]) < 1e-3, f"log probabilities differ:\n{a}\n{b}"
assert any(a["prediction"] for a in together), "every prediction is empty"
assert len({a["log_probability"] for a in together}) > 20, "the texts do not depend on the cell"
described = lines(work / "described.jsonl")
assert len(described) == 700, f"{len(described)} described cells, expected 700"
print(f"ten steps: loss {steps[0]['loss']:.3f} -> {steps[-1]['loss']:.3f}; {len(alone)} texts, the same alone and in a batch")
END
step "done"

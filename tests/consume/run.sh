#!/usr/bin/env bash
# The installed package from outside. Installs a build into a temporary folder, moves it, and uses it without the
# checkout: builds an empty project, every example plugin and a starter, checks them all, and trains and describes with
# the GRU decoder under three fine-tuning strategies by config alone. Plugins built against another core, or another
# LibTorch, are refused before anything of them runs.
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

# Runs a command as a user would who never had the checkout: where the system allows it, checkout and build tree are
# covered by empty folders while it runs.
hide=()
if unshare -rm mount -t tmpfs none "$source_dir" 2>/dev/null; then
  hide=(unshare -rm sh -c 'mount -t tmpfs none "$1" && { [ ! -d "$2" ] || mount -t tmpfs none "$2"; } && shift 2 && exec "$@"' -
    "$source_dir" "$build_dir")
else
  echo "consume: no right to cover $source_dir; that nothing of it is used is seen from paths alone"
fi
outside() { (cd "$work" && "${hide[@]}" env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$work" "$@"); }

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

# build_project NAME FOLDER PREFIX [OPTION...]: configures and builds a copy of a project against an installed package.
build_project() {
  local name=$1 from=$2 package=$3
  shift 3
  [[ -d $work/$name ]] || cp -r "$from" "$work/$name"
  outside cmake -S "$work/$name" -B "$work/$name/build" -G Ninja -DCMAKE_PREFIX_PATH="$package" \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@" >"$work/$name.log" 2>&1 || { cat "$work/$name.log"; fail "configuring $name failed"; }
  outside cmake --build "$work/$name/build" >>"$work/$name.log" 2>&1 || { cat "$work/$name.log"; fail "building $name failed"; }
  ! grep -i warning "$work/$name.log" || fail "building $name gives warnings (above)"
  ours "$work/$name/build/compile_commands.json" "$work/$name/build/build.ninja"
  outside ninja -C "$work/$name/build" -t deps >"$work/$name.deps"
  ours "$work/$name.deps"
}

# together COMMAND...: in the background, as many at once as there are cores; all_done waits for the rest.
running=()
together() {
  if ((${#running[@]} >= $(nproc))); then
    wait "${running[0]}" || exit 1
    running=("${running[@]:1}")
  fi
  "$@" &
  running+=($!)
}
all_done() {
  local job
  for job in "${running[@]}"; do wait "$job" || exit 1; done
  running=()
}

program=("$prefix/bin/cell2text")
step "an empty project, the example plugins, a starter"
together build_project empty "$here/empty" "$prefix" -DCMAKE_BUILD_TYPE=Release
examples=$source_dir/examples/plugins
kinds=(decoder encoder adapter metric finetuning source baseline)
for kind in "${kinds[@]}"; do
  for file in "$examples/$kind"/*.cpp; do
    (($(wc -l <"$file") < 100)) || fail "$file has 100 lines or more"
  done
  # Optimised is the one that is trained below; for the others LibTorch's headers are work enough.
  flags=(-DCMAKE_CXX_FLAGS_RELEASE="-O0 -DNDEBUG")
  [[ $kind != decoder ]] || flags=()
  together build_project "$kind" "$examples/$kind" "$prefix" "${flags[@]}"
done
outside "${program[@]}" plugins new metric foreign >/dev/null || fail "'cell2text plugins new' failed"
cat >>"$work/foreign/foreign.cpp" <<'END'
#include <cstdlib>
#include <fstream>
static const bool loaded = [] {
  if (const char* path = std::getenv("CONSUME_FLAG")) std::ofstream(path) << "loaded";
  return true;
}();
END
cp -r "$work/foreign" "$work/foreign_core"
cp -r "$work/foreign" "$work/foreign_torch"
together build_project foreign "$work/foreign" "$prefix" "${flags[@]}"

step "packages of another core, and of another LibTorch"
other_core=$work/other_core
cp -r "$prefix" "$other_core"
sed -i 's/abi_number = \([0-9]*\);/abi_number = 9\1;/' "$other_core/include/cell2text/plugin/manifest.hpp"
other_torch=$work/other_torch
cp -r "$prefix" "$other_torch"
cp -al "$work/libtorch" "$work/libtorch_other"
version=$(grep -rl --include=version.h "define TORCH_VERSION_MINOR" "$work/libtorch_other/torch/include/torch")
[[ -f $version ]] || fail "LibTorch's headers do not define TORCH_VERSION_MINOR in one place: $version"
sed 's/define TORCH_VERSION_MINOR .*/define TORCH_VERSION_MINOR 99/' "$version" >"$version.new"
mv "$version.new" "$version"  # a new file: the old one is shared with the package that fits
ln -sfn "$work/libtorch_other/torch" "$other_torch/lib/cell2text/torch"
together build_project foreign_core "$work/foreign_core" "$other_core" "${flags[@]}"
together build_project foreign_torch "$work/foreign_torch" "$other_torch" "${flags[@]}"
all_done
outside "$work/empty/build/empty"

step "checking them"
cp "$examples/source/cells.csv" "$work/"
for kind in "${kinds[@]}" foreign; do
  settings=()
  [[ $kind != source ]] || settings=(--set path=cells.csv)
  outside "${program[@]}" plugins check "$work/$kind"/build/*.so "${settings[@]}" >"$work/$kind.check" ||
    { cat "$work/$kind.check"; fail "'cell2text plugins check' of the $kind failed"; }
  tail -1 "$work/$kind.check"
done

step "what was built for another program is refused, and nothing of it is run"
abi=$(sed -n 's/.*abi_number = \([0-9]*\);.*/\1/p' "$prefix/include/cell2text/plugin/manifest.hpp")
echo '{"prediction": "a b", "reference": "a c"}' >"$work/texts.jsonl"
refused() {  # NAME PART: the plugin in NAME/build is refused with both sides named
  local flag=$work/$1.flag
  if outside CONSUME_FLAG="$flag" CELL2TEXT_PLUGIN_PATH="$work/$1/build" "${program[@]}" evaluate texts.jsonl --metrics foreign \
    >"$work/$1.out" 2>&1; then
    fail "the plugin of $1 was used"
  fi
  grep -qF "$2" "$work/$1.out" || { cat "$work/$1.out"; fail "the refusal of $1 does not say: $2"; }
  [[ ! -e $flag ]] || fail "code of $1 was run"
  if outside CONSUME_FLAG="$flag" "${program[@]}" plugins check "$work/$1"/build/*.so >"$work/$1.check" 2>&1; then
    fail "'cell2text plugins check' of $1 passed"
  fi
  grep -qF "$2" "$work/$1.check" || { cat "$work/$1.check"; fail "the check of $1 does not say: $2"; }
  [[ ! -e $flag ]] || fail "code of $1 was run by its check"
}
refused foreign_core "its core ABI is 9$abi, this program $abi"
refused foreign_torch "it was built for LibTorch 2.99, this program 2."
outside CONSUME_FLAG="$work/control.flag" CELL2TEXT_PLUGIN_PATH="$work/foreign/build" "${program[@]}" evaluate texts.jsonl \
  --metrics foreign >/dev/null || fail "the plugin that fits cannot be used"
[[ -e $work/control.flag ]] || fail "the control: code of a plugin that fits was not run"

plugins=$work/decoder/build:$work/finetuning/build
program=(CELL2TEXT_PLUGIN_PATH="$plugins" "$prefix/bin/cell2text")
outside "${program[@]}" plugins list | tee "$work/plugins.txt"
grep -qE '^decoder +gru +' "$work/plugins.txt" || fail "'cell2text plugins list' does not show the decoder 'gru'"
grep -qE '^decoder +llama +' "$work/plugins.txt" || fail "'cell2text plugins list' does not show the decoder 'llama'"

step "ten steps, then beams, 16 cells at once"
mkdir -p "$work/data"
cp -r "$source_dir/data/demo" "$work/data/"
cp "$here/gru.toml" "$work/"
run() { outside "${program[@]}" run "$work/gru.toml" "$@" || fail "'cell2text run' failed (above)"; }
run --out "$work/together"
step "the same, one cell at a time"
run --out "$work/alone" --set generation.batch_size=1
step "the saved model, opened again"
outside "${program[@]}" describe data/demo/pbmc.h5ad --model "$work/together/model" \
  -o "$work/described.jsonl" --beams 1 --batch-size 64 ||
  fail "'cell2text describe' failed (above)"


step "LoRA and another strategy from outside, by config alone"
tuned() {  # NAME OPTION...: ten steps, and cells described by the model that was saved
  local name=$1
  shift
  run --out "$work/$name" "$@"
  outside "${program[@]}" describe data/demo/pbmc.h5ad --model "$work/$name/model" -o "$work/$name.jsonl" --beams 1 \
    --batch-size 64 || fail "'cell2text describe' failed (above)"
}
tuned lora --set finetuning.plugin=lora --set finetuning.rank=4 --set 'finetuning.target_modules=["hidden", "head"]'
[[ -e $work/lora/model/lora/adapter_model.safetensors ]] || fail "the model folder has no LoRA weights"
tuned biases --set finetuning.plugin=bias_only

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
for name in ("lora", "biases"):
    losses = [line["loss"] for line in lines(work / name / "log.jsonl") if "loss" in line]
    assert len(losses) == 10 and losses[-1] < losses[0], f"{name}: losses {losses}"
    assert len(lines(work / f"{name}.jsonl")) == 700, f"{name}: not every cell is described"
print(f"ten steps: loss {steps[0]['loss']:.3f} -> {steps[-1]['loss']:.3f}; {len(alone)} texts, the same alone and in a batch")
END
step "done"

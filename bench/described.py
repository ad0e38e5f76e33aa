"""What drafts save and what confidences and restrictions cost, on a model that the quickstart trains: both sides in one
process."""
import pathlib
import random
import subprocess
import sys

import widened
from sides import measured, row

ROOT = pathlib.Path(__file__).resolve().parent.parent
CELLS = ROOT / "data/demo/pbmc.h5ad"
COUNT, TYPES = 200, 800


def trained(folder, options, command):
    if options.model:
        return pathlib.Path(options.model)
    run = folder / "trained"
    if not (run / "model").exists():
        print("described texts: training the quickstart's model, some minutes (--model DIR takes one that is there)",
              file=sys.stderr)
        subprocess.run([command, "run", "examples/quickstart.toml", "--out", run, "--threads", str(options.threads)],
                       cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return run / "model"


def sides_of(found, ours, peer):
    """A pair of each repeat."""
    return [({"repeats": [a]}, {"repeats": [b]}) for a, b in zip(found[ours], found[peer])]


def rates(cells):
    return lambda pair, key: [cells / side["repeats"][0][key] for side in pair]


def draft_rows(folder, options, command, bench, target):
    """The quickstart's decoder, whose steps cost little, and one of the shape of the other rows, whose steps read 0.4 GB."""
    model = trained(folder, options, command)
    widened.widen(model / "decoder", folder / "wide", options.seed)
    wide = "8 layers x 512, vocabulary 128256"
    rows, runs = [], []
    for name, cells, at_once, decoder in (("the quickstart's decoder", 96, 0, None),
                                          (f"{wide}, 4 cells together", 24, 4, "wide"),
                                          (f"{wide}, one cell at a time", 8, 1, "wide")):
        found = measured([bench, "drafts", model, CELLS, cells, options.pairs, at_once]
                         + ([folder / decoder] if decoder else []), options.threads)
        per_pass = (found["accepted"] + found["passes"]) / found["passes"]
        print(f"drafts, {name}: {per_pass:.1f} tokens a pass, {100 * found['accepted'] / found['guessed']:.0f}% of guesses "
              f"held, {found.get('same_texts', cells)} of {cells} texts as the quickstart's", file=sys.stderr)
        rows.append(row(f"greedy decoding with drafts, {name}: {found['tokens'] / cells:.0f} tokens a text behind "
                        f"{found['prompt_tokens'] / cells:.0f}, {per_pass:.1f} a pass; peer: without drafts, the same tokens",
                        sides_of(found, "drafted", "plain"), rates(cells), "cells/s", target))
        rows.append(row(f"reading the prompts alone, {name}; peer: with the last block for all of their tokens",
                        sides_of(found, "prompts", "whole_prompts"), rates(cells), "cells/s", None))
        runs.append(found)
    return rows, runs


def cell_types(folder, seed):
    names, name = [], None
    for line in (ROOT / "data/demo/cl.obo").read_text().splitlines():
        if line.startswith("["):
            name = None
        elif line.startswith("name: "):
            name = line[6:]
        elif line.startswith("is_obsolete: true"):
            name = None
        elif not line and name:
            names.append(name)
            name = None
    file = folder / "cell_types.txt"
    file.write_text("".join(name + "\n" for name in random.Random(seed).sample(sorted(set(names)), TYPES)))
    return file


def confidence_rows(folder, options, command, bench):
    found = measured([bench, "confidence", trained(folder, options, command), CELLS, COUNT, options.pairs,
                      cell_types(folder, options.seed)], options.threads)
    print(f"confidence: {found['tokens'] / found['cells']:.0f} tokens a cell read in {found['passes']} passes; mean "
          f"confidence of the cell type {found['mean_confidence']:.6f}", file=sys.stderr)
    name = (f"confidence of five labels, {found['cell_types']} cell types known; peer: generating the text, "
            f"{found['beams']} beams")
    return [row(name, sides_of(found, "confidence", "generation"), rates(found["cells"]), "cells/s", 1.0)], found


RESTRICTED = {"ontology_only": "texts of ontology terms alone", "allow": "texts with half of the cell types allowed",
              "given": "texts with tissue and sex given"}


def restricted_rows(folder, options, command, bench):
    found = measured([bench, "restricted", trained(folder, options, command), CELLS, COUNT, options.pairs],
                     options.threads)
    return [row(f"{name}, {found['beams']} beams; peer: any texts", sides_of(found, way, "plain"), rates(found["cells"]),
                "cells/s", None) for way, name in RESTRICTED.items()], found

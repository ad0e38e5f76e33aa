#!/usr/bin/env python3
"""Makes data/demo/ from the reference data: cells, ontology, dictionaries of genes, pathways, a small tokenizer.

Run with the project's Python: .deps/env/bin/python tools/make_demo.py [--shared DIR] [--out DIR]
Two runs give the same bytes. No cell's labels or text go into the tokenizer.
"""
import argparse
import json
import pickle
import re
import shutil
from pathlib import Path

import numpy
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

ROOT = Path(__file__).resolve().parent.parent

VOCABULARY_SIZE = 4000  # special tokens included
SPECIAL_TOKENS = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
]
SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

# The words of the description template, the prompt and the chat headers.
# They count as often as they would in that many descriptions, so that each becomes one token.
FIXED_TEXT_WEIGHT = 200
FIXED_TEXTS = [
    "You are a scientific assistant specialized in cell description predictions. Given the cell sentence "
    "embeddings, describe it clearly and concisely in professional language.",
    "Sequence embeddings: ",
    "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n",
    "system\n\n",
    "user\n\n",
    "assistant\n\n",
    "This sample consists of a cell. It originates from the tissue of a normal individual.",
    "This sample consists of an individual with disease. It originates from the tissue of a normal male "
    "during adulthood. This cell is associated with it. Additionally, it involves it.",
    "of a normal female during infancy, early childhood, childhood, adolescence, young adulthood, middle age, "
    "elderly stage, advanced elderly stage, early embryonic stage, late embryonic stage.",
    "of a male with disease. of a female with disease.",
]


class DictionaryUnpickler(pickle.Unpickler):
    """Reads a pickle of a plain dict with numpy scalars; whatever else it asks for is refused."""

    allowed = {
        ("numpy.core.multiarray", "scalar"): numpy.float64(0).__reduce__()[0],
        ("numpy._core.multiarray", "scalar"): numpy.float64(0).__reduce__()[0],
        ("numpy", "dtype"): numpy.dtype,
    }

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which no dictionary needs")
        return self.allowed[module, name]


def read_pickle(path):
    with open(path, "rb") as file:
        return DictionaryUnpickler(file).load()


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="ascii")


def make_geneformer(source, target):
    tokens = {gene: int(token) for gene, token in read_pickle(source / "token_dictionary_gc104M.pkl").items()}
    tokens = dict(sorted(tokens.items(), key=lambda item: item[1]))
    medians = read_pickle(source / "gene_median_dictionary_gc104M.pkl")
    write_json(target / "token_dictionary.json", tokens)
    write_json(target / "gene_median_dictionary.json", {g: float(medians[g]) for g in tokens if g in medians})


def make_scgpt(source, geneformer, target):
    """scGPT's symbols, those whose gene has a token in Geneformer, in scGPT's order; the special tokens last."""
    tokens = read_pickle(geneformer / "token_dictionary_gc104M.pkl")
    names = read_pickle(geneformer / "gene_name_id_dict_gc104M.pkl")
    vocabulary = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
    symbols = [symbol for symbol in sorted(vocabulary, key=vocabulary.get) if names.get(symbol) in tokens]
    write_json(target / "vocab.json", {name: i for i, name in enumerate([*symbols, "<pad>", "<cls>", "<eoc>"])})


def ontology_texts(path):
    """Names and definitions of the terms in use, and the two joined as the template joins them."""
    for stanza in path.read_text(encoding="utf-8").split("\n\n"):
        if not stanza.startswith("[Term]") or "\nis_obsolete: true" in stanza:
            continue
        name = re.search(r"^name: (.+)$", stanza, re.M)
        definition = re.search(r'^def: "((?:[^"\\]|\\.)*)"', stanza, re.M)
        if not name:
            continue
        description = f"This sample consists of a {name.group(1)}"
        if definition:
            text = re.sub(r"\\(.)", r"\1", definition.group(1))
            yield text
            description += ", " + re.sub(r"^An? ", "", text).rstrip(".")
        yield description + ". It originates from the"


def make_tokenizer(ontology, target):
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [*ontology_texts(ontology), *FIXED_TEXTS * FIXED_TEXT_WEIGHT]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL_TOKENS])
    bos = SPECIAL_TOKENS[0]
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, tokenizer.token_to_id(bos))]),
    ])
    if tokenizer.get_vocab_size() != VOCABULARY_SIZE:
        raise SystemExit(f"the vocabulary has {tokenizer.get_vocab_size()} tokens, {VOCABULARY_SIZE} expected")
    target.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(target / "tokenizer.json"), pretty=False)
    config = {
        "bos_token": "<|begin_of_text|>",
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|eot_id|>",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 131072,
        "pad_token": "<|finetune_right_pad_id|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (target / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="ascii")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared" / "data",
                        help="folder of the reference data (default: ../shared/data)")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "demo", help="default: data/demo")
    arguments = parser.parse_args()
    if not (arguments.shared / "cells").is_dir():
        parser.error(f"{arguments.shared} holds no folder 'cells'; pass the reference data's folder with --shared")
    arguments.out.mkdir(parents=True, exist_ok=True)
    copies = {"cells/pbmc68k_700.h5ad": "pbmc.h5ad", "ontology/cl-v2025-07-30.obo": "cl.obo",
              **{f"pathways/{name}": f"pathways/{name}"
                 for name in ["h.all.v2025.1.Hs.symbols.gmt", "hallmark_descriptions.tsv"]}}
    for source, name in copies.items():
        (arguments.out / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(arguments.shared / source, arguments.out / name)
    make_geneformer(arguments.shared / "geneformer", arguments.out / "genes")
    make_scgpt(arguments.shared / "scgpt", arguments.shared / "geneformer", arguments.out / "genes")
    make_tokenizer(arguments.out / "cl.obo", arguments.out / "tokenizer")
    for path in sorted(arguments.out.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:>9}  {path.relative_to(arguments.out)}")


if __name__ == "__main__":
    main()

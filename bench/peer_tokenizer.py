"""The peer of bench_tokenizer, and what both read: `make FOLDER MODEL` writes a tokenizer.json from Llama 3's
tokenizer.model and a text of 10 MB; `run FOLDER REPEATS` encodes it by the `tokenizers` library on one thread."""
import json
import os
import pathlib
import random
import re
import resource
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXT_BYTES = 10_000_000


def make(folder, model):
    from transformers.convert_slow_tokenizer import TikTokenConverter
    TikTokenConverter(vocab_file=str(model)).converted().save(str(folder / "llama3.json"))
    ontology = (ROOT / "data/demo/cl.obo").read_text(encoding="utf-8")
    texts = re.findall(r'^(?:name|def|synonym): "?(.*?)"?(?: \[.*| EXACT.*)?$', ontology, re.M)
    rng = random.Random(1)
    lines, size = [], 0
    while size < TEXT_BYTES:
        lines.append(rng.choice(texts))
        size += len(lines[-1].encode()) + 1
    (folder / "text.txt").write_text("\n".join(lines), encoding="utf-8")


def timed(repeats, encode):
    import numpy as np
    result = {"repeats": []}
    for i in range(-1, repeats):
        wall, usage = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        ids = encode()
        after = resource.getrusage(resource.RUSAGE_SELF)
        lap = {"wall_s": time.perf_counter() - wall,
               "cpu_s": after.ru_utime + after.ru_stime - usage.ru_utime - usage.ru_stime}
        if i >= 0:
            result["repeats"].append(lap)
    ids = np.concatenate([np.asarray(part.ids, np.uint64) for part in ids])
    with np.errstate(over="ignore"):
        weighted = int((ids * np.arange(1, len(ids) + 1, dtype=np.uint64)).sum(dtype=np.uint64))
    return result | {"tokens": len(ids), "sum": weighted}


def run(folder, repeats):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(folder / "llama3.json"))
    text = (folder / "text.txt").read_text(encoding="utf-8")
    lines = text.split("\n")
    print(json.dumps({"whole": timed(repeats, lambda: [tokenizer.encode(text, add_special_tokens=False)]),
                      "lines": timed(repeats, lambda: [tokenizer.encode(line, add_special_tokens=False) for line in lines])}))


if __name__ == "__main__":
    what, folder, argument = sys.argv[1:]
    if what == "make":
        make(pathlib.Path(folder), argument)
    else:
        run(pathlib.Path(folder), int(argument))

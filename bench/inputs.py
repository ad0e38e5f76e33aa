"""What both sides of a benchmark read: synthetic cells with seeded lengths, dictionaries, a tokenizer with a vocabulary
of Llama 3's size, texts of a fixed number of tokens, and the experiment file. Made once per folder."""
import json

import anndata
import numpy as np
import pandas as pd
import scipy.sparse

GENES = 20_271
PAD, MASK, CLS, EOS = 0, 1, 2, 3
FRAME = 4  # ids below are special
SHAPES = {
    "encoder": {"layers": 6, "width": 256, "heads": 4, "feed_forward": 1024, "max_tokens": 2048,
                "lengths": [512, 2048]},
    "decoder": {"layers": 8, "width": 512, "heads": 8, "kv_heads": 2, "feed_forward": 2048, "vocabulary": 128_256},
    "lora": {"rank": 16, "alpha": 32}, "lora_of_real_sizes": {"rank": 256, "alpha": 512},
    "prompt_tokens": 40, "soft_tokens": 256, "text_tokens": 96, "batch_size": 4, "beams": 4, "new_tokens": 64,
    "dtype": "float32"}
BEFORE = SHAPES["prompt_tokens"] - 1  # the last prompt token stands after the soft tokens


def gene_names():
    return [f"ENSG{number:011d}" for number in range(GENES)]


def words(count):
    """Distinct words of five letters, in an order that depends on nothing."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    found = []
    for number in range(count):
        word = ""
        for _ in range(5):
            number, letter = divmod(number, 26)
            word += letters[letter]
        found.append(word)
    return found


def write_tokenizer(path):
    """Byte-level, 256 bytes, whole words up to the vocabulary's size, and the tokens that begin and end a text."""
    from tokenizers.pre_tokenizers import ByteLevel
    alphabet = sorted(ByteLevel.alphabet())
    special = ["<|begin_of_text|>", "<|end_of_text|>"]
    count = SHAPES["decoder"]["vocabulary"] - len(alphabet) - len(special)
    vocab = {token: i for i, token in enumerate(alphabet + ["Ġ" + word for word in words(count)])}
    added = [{"id": len(vocab) + i, "content": name, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for i, name in enumerate(special)]
    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    json.dump({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": vocab, "merges": []}}, open(path, "w"))


def cells(random, gene_counts):
    """Cells with the given numbers of expressed genes; counts are geometric, as sequencing depth makes them."""
    starts = np.concatenate([[0], np.cumsum(gene_counts)])
    columns = np.concatenate([np.sort(random.choice(GENES, n, replace=False)) for n in gene_counts])
    counts = random.geometric(0.35, starts[-1]).astype(np.float32)
    matrix = scipy.sparse.csr_matrix((counts, columns.astype(np.int32), starts), shape=(len(gene_counts), GENES))
    obs = pd.DataFrame(index=[f"cell{i}" for i in range(len(gene_counts))])
    return anndata.AnnData(matrix, obs=obs, var=pd.DataFrame(index=gene_names()))


def tokenize(matrix, totals, medians, max_tokens):
    """Geneformer's recipe in numpy: counts per 10,000 over the gene's median, ranked, framed, cut."""
    values = matrix.data * np.repeat(np.float32(10_000) / totals, np.diff(matrix.indptr))
    values *= (1 / medians)[matrix.indices]
    np.negative(values, out=values)
    tokens = (np.arange(GENES, dtype=np.int64) + FRAME)[matrix.indices]
    ranked = []
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:]):
        order = np.argsort(values[start:end])[:max_tokens - 2]
        cell = np.empty(len(order) + 2, np.int64)
        cell[0], cell[-1] = CLS, EOS
        np.take(tokens[start:end], order, out=cell[1:-1])
        ranked.append(cell)
    return ranked


def make(folder, seed, num_cells, many_cells):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    medians = np.exp(random.normal(0.8, 0.5, GENES)).astype(np.float32)
    (folder / "token_dictionary.json").write_text(json.dumps(
        {"<pad>": PAD, "<mask>": MASK, "<cls>": CLS, "<eos>": EOS}
        | {name: i + FRAME for i, name in enumerate(gene_names())}))
    (folder / "gene_median_dictionary.json").write_text(json.dumps(
        {name: float(median) for name, median in zip(gene_names(), medians)}))
    write_tokenizer(folder / "tokenizer.json")

    # Lengths are spread evenly over the range and shuffled: every run of a few cells has nearly the same sum.
    shortest, longest = SHAPES["encoder"]["lengths"]
    gene_counts = random.permutation(np.linspace(shortest, longest, num_cells).round().astype(int)) - 2
    few = cells(random, gene_counts)
    vocabulary = words(SHAPES["decoder"]["vocabulary"] - 258)
    texts = random.integers(0, len(vocabulary), (num_cells, SHAPES["text_tokens"] - 1))
    few.obs["description"] = ["".join(" " + vocabulary[i] for i in row) for row in texts]
    few.write_h5ad(folder / "cells.h5ad")
    cells(random, random.normal(2000, 300, many_cells).clip(1200, 2046).astype(int)).write_h5ad(folder / "many.h5ad")

    user = random.integers(0, len(vocabulary), BEFORE - 1)
    begin, end = SHAPES["decoder"]["vocabulary"] - 2, SHAPES["decoder"]["vocabulary"] - 1
    from tokenizers import Tokenizer
    after = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("\n").ids
    ranked = tokenize(few.X, np.asarray(few.X.sum(1)).ravel(), medians, SHAPES["encoder"]["max_tokens"])
    np.savez(folder / "inputs.npz", genes=np.concatenate(ranked), lengths=[len(cell) for cell in ranked],
             medians=medians, before=np.concatenate([[begin], user + 256]), after=after,
             texts=np.concatenate([texts + 256, np.full((num_cells, 1), end)], 1))
    (folder / "user.txt").write_text("".join(" " + vocabulary[i] for i in user))


def random_decoder(folder, deviation):
    decoder = SHAPES["decoder"]
    return f'''plugin = "llama"
template = "plain"
tokenizer = "{folder}/tokenizer.json"
[decoder.architecture]
layers = {decoder["layers"]}
width = {decoder["width"]}
heads = {decoder["heads"]}
kv_heads = {decoder["kv_heads"]}
feed_forward = {decoder["feed_forward"]}
tied = true
initial_deviation = {deviation}'''


def opened_decoder(plugin, checkpoint):
    return f'plugin = "{plugin}"\ntemplate = "plain"\ncheckpoint = "{checkpoint}"'


def lora(shape):
    return f'plugin = "lora"\nrank = {shape["rank"]}\nalpha = {shape["alpha"]}'


FULL = 'plugin = "full"'


def write_experiments(folder, steps):
    for name, source, deviation, tuning in (
            ("train", "cells", 0.02, FULL), ("lora", "cells", 0.02, lora(SHAPES["lora"])),
            ("generate", "cells", 0.1, FULL), ("tokenize", "many", 0.02, FULL)):
        write_experiment(folder, name, source, random_decoder(folder, deviation), tuning, steps)


def write_experiment(folder, name, source, decoder, tuning, steps, batch=SHAPES["batch_size"], beams=SHAPES["beams"],
                     precision="float32"):
    user = (folder / "user.txt").read_text()
    encoder = SHAPES["encoder"]
    (folder / f"{name}.toml").write_text(f'''name = "bench-{name}"
seed = 1
[data]
source = "h5ad"
path = "{folder}/{source}.h5ad"
totals = "sum"
[prompt]
system = ""
user = "{user}"
max_genes = {SHAPES["soft_tokens"]}
[encoder]
plugin = "geneformer"
frozen = true
layer = -1
max_tokens = {encoder["max_tokens"]}
token_dictionary = "{folder}/token_dictionary.json"
gene_medians = "{folder}/gene_median_dictionary.json"
[encoder.architecture]
layers = {encoder["layers"]}
width = {encoder["width"]}
heads = {encoder["heads"]}
feed_forward = {encoder["feed_forward"]}
max_positions = {encoder["max_tokens"]}
[adapter]
plugin = "mlp"
[decoder]
{decoder}
[finetuning]
{tuning}
[training]
epochs = 100
max_steps = {steps}
keep = "last"
checkpoint_minutes = 0
batch_size = {batch}
precision = "{precision}"
learning_rate = 2e-4
[generation]
beams = {beams}
max_new_tokens = {SHAPES["new_tokens"]}
''')

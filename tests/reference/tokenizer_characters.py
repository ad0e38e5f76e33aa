"""As tokenizer.py, for vocabularies of characters with byte fallback: NAME is `gemma`, `llama2` (files of their
structure, trained here and small) or `random` (all settings drawn)."""
import argparse
import json
import pathlib
import random

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tokenizer_texts import ontology_texts, random_text, texts_for, write_cases

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def string(text):
    return {"String": text}


def added(number, content, special=True, **flags):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": special} | flags


def trained(rng, texts, size):
    """Tokens and merges over characters; words begin with the sign for a blank."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=rng.random() < 0.7)
    noise = [random_text(rng, texts, ["x"]) for _ in range(100)]
    trainer = trainers.BpeTrainer(vocab_size=size, limit_alphabet=300, max_token_length=12, show_progress=False)
    tokenizer.train_from_iterator(rng.sample(texts, 1000) + noise + ["ab" * 60, "a" * 90, "▁▁▁▁\n\n", "\n" * 8] * 20, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), model["merges"]


def vocabulary_of(special, tokens, missing=()):
    order = [*special, *(byte for byte in BYTES if byte not in missing), *(t for t in tokens if t not in special)]
    return {token: number for number, token in enumerate(order)}


def file(vocabulary, merges, added_tokens, template, **parts):
    special = {name: {"id": name, "ids": [vocabulary[name]], "tokens": [name]} for name in template if name != "$A"}
    single = [{"Sequence": {"id": "A", "type_id": 0}} if name == "$A" else {"SpecialToken": {"id": name, "type_id": 0}}
              for name in template]
    model = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
             "vocab": vocabulary, "merges": merges} | parts.pop("model", {})
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens, "normalizer": None,
            "pre_tokenizer": None, "post_processor": {
                "type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": special},
            "decoder": None, "model": model} | parts


def blank_decoder(strip):
    steps = [{"type": "Replace", "pattern": string("▁"), "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]
    return {"type": "Sequence", "decoders": steps + ([{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if strip else [])}


def gemma(rng, texts):
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<unused{i}>" for i in range(3)), "<start_of_turn>",
               "<end_of_turn>"]
    plain = ["\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁▁", "<table>", "</table>", "<td>"]
    tokens, merges = trained(rng, texts, 2000)
    vocabulary = vocabulary_of(special + plain, tokens)
    tokens_added = [added(vocabulary[t], t, t in special) for t in special + plain]
    tokens_added.append(added(len(vocabulary), "<image_soft_token>"))
    return file(vocabulary, merges, tokens_added, ["<bos>", "$A"], decoder=blank_decoder(False),
                normalizer={"type": "Replace", "pattern": string(" "), "content": "▁"},
                pre_tokenizer={"type": "Split", "pattern": string(" "), "behavior": "MergedWithPrevious", "invert": False})


def llama2(rng, texts):
    special = ["<unk>", "<s>", "</s>"]
    tokens, merges = trained(rng, texts, 1500)
    vocabulary = vocabulary_of(special, tokens)
    return file(vocabulary, merges, [added(vocabulary[t], t) for t in special], ["<s>", "$A"], decoder=blank_decoder(True),
                normalizer={"type": "Sequence", "normalizers": [
                    {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": string(" "), "content": "▁"}]})


def drawn(rng, texts):
    flip = lambda: rng.random() < 0.5
    special = ["<unk>", "<s>", "</s>"]
    tokens, merges = trained(rng, texts, rng.choice([400, 1000, 2500]))
    missing = rng.choice([(), ("<0xE2>", "<0xF0>"), BYTES])
    vocabulary = vocabulary_of(special, tokens, missing)
    # Special tokens that are normalised: the library forgets that they are special where the normalizer changes them.
    flags = lambda special: {name: rng.random() < 0.3 and not (special and name == "normalized")
                             for name in ("lstrip", "rstrip", "normalized", "single_word")}
    more = rng.sample(["<x>", "<x>y", "s", " the", "é", "foo bar", "▁a", "ſ", "日本", "a b"], 5)
    tokens_added = [added(vocabulary[t], t, **flags(True)) for t in special]
    new = len(vocabulary)
    for content in more:  # the library numbers new ones from the vocabulary's end, whatever the file says
        is_special = flip()
        tokens_added.append(added(vocabulary.get(content, new), content, is_special, **flags(is_special)))
        new += content not in vocabulary
    replace = {"type": "Replace", "pattern": string(rng.choice([" ", "  ", "the", "ab"])), "content": rng.choice(["▁", "x", "xyz"])}
    normalizer = rng.choice([None, replace, {"type": "Prepend", "prepend": "▁"},
                             {"type": "Sequence", "normalizers": [replace, {"type": "Prepend", "prepend": "▁"}, replace]}])
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": rng.choice(["always", "first", "never"]),
                 "split": flip()}
    split = {"type": "Split", "pattern": rng.choice([string(" "), string("▁"), string("e"), {"Regex": r"\p{N}|\s+"}]),
             "behavior": rng.choice(["Isolated", "MergedWithPrevious"]), "invert": False}
    words = rng.choice([None, metaspace, split, {"type": "Sequence", "pretokenizers": [split, metaspace]},
                        {"type": "Sequence", "pretokenizers": [metaspace, split]}])
    steps = [{"type": "Replace", "pattern": string("▁"), "content": rng.choice([" ", "", "__"])}, {"type": "ByteFallback"},
             {"type": "Fuse"}, {"type": "Strip", "content": rng.choice([" ", "e", "é"]), "start": rng.randrange(3), "stop": 0}]
    rng.shuffle(steps)
    model = {"fuse_unk": flip(), "ignore_merges": flip(), "byte_fallback": rng.random() < 0.8}
    return file(vocabulary, merges, tokens_added, rng.choice([["$A"], ["<s>", "$A"], ["<s>", "$A", "</s>", "</s>"]]),
                model=model, normalizer=normalizer, pre_tokenizer=words,
                decoder={"type": "Sequence", "decoders": steps[:rng.randint(1, 4)]})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    ontology = list(ontology_texts())
    for name, make in (("gemma", gemma), ("llama2", llama2), ("random", drawn)):
        folder = arguments.folder / name
        folder.mkdir()
        saved = make(rng, ontology)
        (folder / "tokenizer.json").write_text(json.dumps(saved, ensure_ascii=False), encoding="utf-8")
        special = [token["content"] for token in saved["added_tokens"]]
        write_cases(rng, folder, texts_for(rng, ontology, special, 2500 if name == "random" else 10_000))


if __name__ == "__main__":
    main()

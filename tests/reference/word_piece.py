"""As tokenizer.py, for the tokenizers of BERT and RoBERTa, as published folders hold them: NAME is `uncased` and `cased`
(vocab.txt, read by transformers), `random` (a tokenizer.json with all settings drawn), `roberta` (tokenizer.json) or
`roberta_files` (vocab.json and merges.txt). FOLDER/characters.jsonl holds what BERT makes of each character alone: its
code, the normalised text, and whether it is punctuation or white space.
"""
import argparse
import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizer, RobertaTokenizer

from tokenizer_texts import ontology_texts, random_text, texts_for, write_cases

BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WORDS = ["x" * 100, "x" * 101, "é" * 100, "é" * 101, "a" * 99 + "\u0301" * 4, "naïve Café", "İSTANBUL", "一丁x", "a一b",
         "\u0000a\ufffdb", "ﬁne", "don't do not", "a.b,c!d ' e", "##ing", "[CLS", "[UNK]x[SEP]", "ＦＵＬＬ", "ǅ", "\u1e9e"]


def word_pieces(rng, texts, size, prefix="##"):
    """Pieces of words, trained here; the first are BERT's special tokens, the rest in no order."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=rng.random() < 0.5, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    noise = [random_text(rng, texts, ["x"]) for _ in range(200)]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=BERT, limit_alphabet=400, show_progress=False,
                                        continuing_subword_prefix=prefix)
    tokenizer.train_from_iterator(rng.sample(texts, 1500) + noise + ["x" * 200], trainer)
    others = [token for token in tokenizer.get_vocab() if token not in BERT]
    rng.shuffle(others)
    return BERT + others


def bert_folder(rng, texts, folder, lower):
    vocabulary = word_pieces(rng, texts, rng.choice([900, 3000]))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + rng.choice(["", "\n"]), encoding="utf-8")
    config = {"do_lower_case": lower, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}
    config |= rng.choice([{}, {"strip_accents": rng.random() < 0.5}, {"tokenize_chinese_chars": rng.random() < 0.5},
                          {"cls_token": "[CLS]", "sep_token": {"content": "[SEP]", "__type": "AddedToken"}}])
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    BertTokenizer.from_pretrained(folder).backend_tokenizer.save(str(folder / "tokenizer.json"))
    return BERT


def random_bert(rng, texts, folder):
    prefix = rng.choice(["##", "##", "@", "▁▁"])
    vocabulary = word_pieces(rng, texts, 2000, prefix)
    longest = rng.choice([5, 20, 100])
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]",
                                           max_input_chars_per_word=longest, continuing_subword_prefix=prefix))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=rng.random() < 0.7, handle_chinese_chars=rng.random() < 0.7, lowercase=rng.random() < 0.5,
        strip_accents=rng.choice([None, True, False]))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=prefix, cleanup=rng.random() < 0.5)
    added = BERT + rng.sample(["<x>", "cell", "é€", "a b"], 2)
    for content in added:
        flags = {flag: rng.random() < 0.3 for flag in ("lstrip", "rstrip", "single_word")}
        token = AddedToken(content, special=content in BERT, normalized=False, **flags)
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    cls, sep = (("[CLS]", vocabulary.index("[CLS]")), ("[SEP]", vocabulary.index("[SEP]")))
    tokenizer.post_processor = rng.choice([
        processors.BertProcessing(sep, cls),
        processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[cls, sep])])
    tokenizer.save(str(folder / "tokenizer.json"))
    return added


def roberta_folder(rng, texts, folder, files):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(vocab_size=rng.choice([300, 2000]), special_tokens=ROBERTA, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    trained.train_from_iterator(rng.sample(texts, 1500), trainer)
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    if not files:
        RobertaTokenizer(vocab=model["vocab"], merges=merges, add_prefix_space=rng.random() < 0.5).save_pretrained(folder)
        return ROBERTA
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512, "add_prefix_space": rng.random() < 0.5}))
    RobertaTokenizer.from_pretrained(folder).backend_tokenizer.save(str(folder / "tokenizer.json"))
    return ROBERTA


def characters():
    normalizer = normalizers.BertNormalizer(lowercase=True)
    words = pre_tokenizers.BertPreTokenizer()
    for code in range(0x110000):
        if code in range(0xD800, 0xE000):
            continue
        pieces = [piece for piece, _ in words.pre_tokenize_str(f"a{chr(code)}b")]
        yield code, normalizer.normalize_str(f"a{chr(code)}b"), {1: "", 2: "white", 3: "mark"}[len(pieces)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    ontology = list(ontology_texts())
    makers = {"uncased": lambda folder: bert_folder(rng, ontology, folder, True),
              "cased": lambda folder: bert_folder(rng, ontology, folder, False),
              "random": lambda folder: random_bert(rng, ontology, folder),
              "roberta": lambda folder: roberta_folder(rng, ontology, folder, False),
              "roberta_files": lambda folder: roberta_folder(rng, ontology, folder, True)}
    for name, make in makers.items():
        folder = arguments.folder / name
        folder.mkdir()
        special = make(folder)
        texts = texts_for(rng, ontology, special + WORDS, 3000)
        write_cases(rng, folder, texts)
        if any((folder / file).exists() for file in ("vocab.txt", "merges.txt")):
            (folder / "tokenizer.json").unlink()  # ours reads the older files
    with open(arguments.folder / "characters.jsonl", "w") as out:
        for code, text, kind in characters():
            out.write(json.dumps([code, text.encode().hex(), kind]) + "\n")


if __name__ == "__main__":
    main()

"""Ids and texts by the `tokenizers` library, as FOLDER/NAME/{tokenizer.json,encode.jsonl,decode.jsonl}.

NAME is `demo` (data/demo/tokenizer) or `random` (trained here, all its settings drawn). encode.jsonl: hex bytes of a
text, ids without and with the post-processor, ids with special tokens as plain text. decode.jsonl: ids and the hex
bytes of their text without and with special tokens.
"""
import argparse
import json
import pathlib
import random
import re
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATTERNS = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
              r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "possessive": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
                  r"|\s*[\r\n]|\s+(?!\S)|\s+",
    "cased": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re)?"
             r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"
             r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "digits": r"\p{N}",
}
# Letters and numbers newer than Unicode 14, which an installed PCRE2 need not know.
NEWER = [(0x10EFD, 0x10EFF), (0x1123F, 0x11241), (0x11B00, 0x11B09), (0x11F00, 0x11F59), (0x1342F, 0x13455),
         (0x1B132, 0x1B155), (0x1D2C0, 0x1D2D3), (0x1DF25, 0x1DF2A), (0x1E030, 0x1E08F), (0x1E4D0, 0x1E4FA),
         (0x2EBF0, 0x2EE5D), (0x31350, 0x323AF)]
SPACES = list(" \t\n\r\f\v") + ["\r\n", "\n\n", "  ", "\u0085", "\u00a0", "\u1680", "\u180e", "\u2000", "\u2003", "\u200a",
                                "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff", "\x1c", "\x1f"]
ODD = ["", "\0", "a\0b", "e\u0301\u0323", "👩‍🔬👨‍👩‍👧", "🇬🇷🇪🇺", "👍🏽", "'s", "'S", "'ſ", "it'LL", "'Ll", "'ve", "''s", "ſ", "\u212a",
       "ß", "İi", "ﬁ", "١٢٣٤٥", "१२३", "Ⅷ½³", "一二三", "日本語テキスト", "한국어", "עברית", "العربية", "\u200d", "\ufffd", "\U000e0041",
       "\U0010ffff", "\ufffe", "Ġ", "Ċ", "Ā", "é", "ÿ", "\u00ad", "CD4-positive", "don't", "1234567", "3.14", "<|", "|>",
       "<|eot_id", "<<|eot_id|>>", "_", "...", "a" * 500, " " * 700, "ab" * 300, "\n" * 50, "\u0301" * 40]


def ontology_texts():
    for stanza in (ROOT / "data/demo/cl.obo").read_text(encoding="utf-8").split("\n\n"):
        for expression in (r"^name: (.+)$", r'^def: "((?:[^"\\]|\\.)*)"'):
            found = re.search(expression, stanza, re.M)
            if stanza.startswith("[Term]") and found:
                yield re.sub(r"\\(.)", r"\1", found.group(1))


def character(rng):
    kind = rng.randrange(8)
    if kind < 2:
        return chr(rng.randrange(0x20, 0x7F))
    if kind == 2:
        return rng.choice(SPACES)
    highest = [0x250, 0x3000, 0x10000, 0x20000, 0x110000][kind - 3]
    while True:
        code = rng.randrange(highest)
        if code in range(0xD800, 0xE000) or any(low <= code <= high for low, high in NEWER):
            continue
        if unicodedata.category(chr(code)) != "Cn" or code & 0xFFFE == 0xFFFE:
            return chr(code)


def random_text(rng, words, tokens):
    parts = []
    for _ in range(rng.randint(1, 14)):
        kind = rng.randrange(6)
        if kind == 0:
            parts.append(rng.choice(words))
        elif kind == 1:
            parts.append(rng.choice(ODD))
        elif kind == 2:
            parts.append(rng.choice(SPACES) * rng.randint(1, 4))
        elif kind == 3:
            parts.append(rng.choice(tokens))
        else:
            parts.append("".join(character(rng) for _ in range(rng.randint(1, 10))))
    return "".join(parts)


def broken_bytes(rng, words):
    data = bytearray(rng.choice(words + ODD).encode() + rng.choice(["é", "日", "😀", "\u0800", "\ud7ff", "\U0010ffff"]).encode())
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(3)
        if kind == 0:
            data[rng.randrange(len(data))] = rng.randrange(256)
        elif kind == 1:
            del data[rng.randrange(len(data)):]
            data += bytes(rng.choice([b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x82"]))
        else:
            data.insert(rng.randrange(len(data) + 1), rng.choice([0x80, 0xBF, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF]))
    return bytes(data)


def random_tokenizer(rng, texts, folder):
    tokenizer = Tokenizer(models.BPE(ignore_merges=rng.random() < 0.5))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=rng.random() < 0.5, use_regex=True)
    names = rng.choice([[], ["llama3"], ["possessive"], ["cased"], ["digits"], ["digits", "llama3"], ["gpt2", "digits"]])
    if names:
        byte_level.use_regex = rng.random() < 0.3
        splits = [pre_tokenizers.Split(Regex(PATTERNS[name]), "isolated") for name in names]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    else:
        tokenizer.pre_tokenizer = byte_level
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    size = rng.choice([260, 400, 1500, 3000])
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    # Repeats and noise make merges beyond those of English words.
    noise = [random_text(rng, texts, ["x"]) for _ in range(300)]
    tokenizer.train_from_iterator(rng.sample(texts, 1500) + noise * 3 + ["ab" * 60, "a" * 90, "        \n\n"] * 20, trainer)
    contents = ["<s>", "</s>", "<mask>", "<|x|>", "<|x|>y", "é€", "foo bar", "s", " the", "<s><s>"]
    for content in rng.sample(contents, rng.randint(2, len(contents))):
        flags = {flag: rng.random() < 0.3 for flag in ("lstrip", "rstrip", "normalized")}
        token = AddedToken(content, special=rng.random() < 0.6, **flags)
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    added = sorted(tokenizer.get_added_tokens_decoder().items())
    first, last = ((token.content, number) for number, token in (added[0], added[-1]))
    template = processors.TemplateProcessing(single=f"$A {last[0]}" if " " not in last[0] else "$A",
                                             special_tokens=[last])
    both = processors.TemplateProcessing(single=[first[0], "$A", last[0], first[0]], special_tokens=[first, last])
    chosen = rng.randrange(5)
    if chosen:
        tokenizer.post_processor = [processors.ByteLevel(trim_offsets=False), template, both,
                                    processors.Sequence([processors.ByteLevel(), both])][chosen - 1]
    saved = json.loads(tokenizer.to_str())
    merges = saved["model"]["merges"]
    if rng.random() < 0.5:
        merges.append(merges[rng.randrange(len(merges))])  # of two equal merges the last counts
    if rng.random() < 0.5:
        saved["model"]["merges"] = [" ".join(pair) for pair in merges]
    (folder / "tokenizer.json").write_text(json.dumps(saved, ensure_ascii=rng.random() < 0.5), encoding="utf-8")
    return [token.content for _, token in added]


def write_cases(rng, folder, texts):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids_in_use = [*range(tokenizer.get_vocab_size()), tokenizer.get_vocab_size() + 5]
    runs = []
    with open(folder / "encode.jsonl", "w") as out:
        for raw in texts:
            text = raw.decode("utf-8", "replace")
            case = {"bytes": raw.hex()}
            case["ids"] = tokenizer.encode(text, add_special_tokens=False).ids
            case["framed"] = tokenizer.encode(text, add_special_tokens=True).ids
            tokenizer.encode_special_tokens = True
            case["plain"] = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            out.write(json.dumps(case) + "\n")
            runs.append(case["framed"])
    runs += [[rng.choice(ids_in_use) for _ in range(rng.randrange(12))] for _ in range(1000)]
    runs += [[rng.randrange(256) for _ in range(rng.randrange(30))] for _ in range(500)]  # bytes: mostly no UTF-8
    with open(folder / "decode.jsonl", "w") as out:
        for ids in runs:
            kept, full = (tokenizer.decode(ids, skip_special_tokens=skip).encode().hex() for skip in (True, False))
            out.write(json.dumps({"ids": ids, "kept": kept, "full": full}) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    ontology = list(ontology_texts())
    for name in ("demo", "random"):
        folder = arguments.folder / name
        folder.mkdir()
        if name == "demo":
            data = (ROOT / "data/demo/tokenizer/tokenizer.json").read_bytes()
            (folder / "tokenizer.json").write_bytes(data)
            special = [token["content"] for token in json.loads(data)["added_tokens"]]
        else:
            special = random_tokenizer(rng, ontology, folder)
        texts = [text.encode() for text in ontology + ODD + SPACES + special]
        texts += [random_text(rng, ontology, special).encode() for _ in range(2500)]
        texts += [broken_bytes(rng, ontology) for _ in range(500)]
        write_cases(rng, folder, texts)


if __name__ == "__main__":
    main()

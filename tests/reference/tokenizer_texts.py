"""Texts that tokenizers are compared on, and the files that hold a comparison. Used by the scripts beside it."""
import json
import pathlib
import re
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
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


def texts_for(rng, ontology, special, random_texts=10_000):
    """Names and definitions, odd ones, special tokens, random Unicode, and bytes that are no UTF-8."""
    texts = [text.encode() for text in ontology + ODD + SPACES + special]
    texts += [random_text(rng, ontology, special).encode() for _ in range(random_texts)]
    return texts + [broken_bytes(rng, ontology) for _ in range(500)]


def write_cases(rng, folder, texts):
    from tokenizers import Tokenizer
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

"""Inputs of the fuzz targets tiktoken, sentence_piece and tokenizer_characters. Called by make_corpus.py."""
import base64
import json
import struct


def line(token, rank):
    return base64.b64encode(token).decode() + f" {rank}\n"


def tiktoken(write):
    more = line(b"ce", 256) + line(b"ll", 257) + line(b"cell", 258) + line(b" cell", 259)
    write("corpus", "tiktoken", {
        "none": "\0cell", "merges": more + "\0 a cell, cells <|eot_id|> \u00e9\U0001f600", "gap": line(b"ce", 400) + "\0ce",
        "windows": more.replace("\n", "\r\n") + "\0cell", "no-end": more[:-1] + "\0cell", "same-word": line(b"aaa", 256) + line(b"aa", 257) + "\0aaaa"})
    write("attacks", "tiktoken", {
        "whole-empty": "!", "whole-one": "!" + line(b"ce", 0), "whole-json": "!{}", "rank-twice": line(b"ce", 97), "token-twice": line(b"a", 256),
        "rank-huge": line(b"ce", 2**63), "rank-large": line(b"ce", 10**6), "rank-negative": line(b"ce", -1), "rank-missing": "Y2U=\n", "rank-text": "Y2U= x\n",
        "rank-real": "Y2U= 1.5\n", "two-blanks": "Y2U=  256\n", "padding": "Y2U 256\n", "padding-inside": "Y=U= 256\n", "padding-only": "==== 256\n",
        "bits-left": "Y2V= 256\n", "letter": "Y2!= 256\n", "empty-token": " 256\n", "empty-line": "\n" + more, "long-token": line(b"a" * 257, 256)})


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def piece(text, score=0.0, kind=1):
    text = text.encode() if isinstance(text, str) else text
    return data(1, data(1, text) + b"\x15" + struct.pack("<f", score) + (number(3, kind) if kind != 1 else b""))


def specifications(kind=2, table=b"", prefix=0, fallback=0):
    trainer = number(3, kind) + number(35, fallback) + number(40, 0) + number(41, 1) + number(42, 2)
    return data(2, trainer) + data(3, data(1, b"identity") + data(2, table) + number(3, prefix) + number(4, 0) + number(5, 1))


def sentence_piece(write):
    special = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3)
    letters = b"".join(piece(text, -i) for i, text in enumerate(["▁c", "el", "▁cel", "ls", "▁", "c", "e", "l", "s"]))
    all_bytes = b"".join(piece(f"<0x{byte:02X}>", 0, 6) for byte in range(256))
    sound, end = special + letters, specifications()
    write("corpus", "sentence_piece", {
        "sound": sound + end, "prefix": sound + specifications(prefix=1), "bytes": sound + all_bytes + specifications(fallback=1),
        "turns": sound + piece("<start_of_turn>", 0, 4) + piece("\n\n", 0, 4) + piece("<td>", 0, 4) + end,
        "unused": sound + piece("cell", 5, 5) + piece("ll", 4, 5) + end, "order": end + sound, "unknown-field": sound + end + data(99, b"x") + number(77, 1)})
    write("attacks", "sentence_piece", {
        "empty": b"", "text": b"\n\n\n", "json": b"{}", "cut": (sound + end)[:-1], "cut-piece": sound[:-3] + end, "no-pieces": end, "no-end": sound,
        "unigram": sound + specifications(1), "word": sound + specifications(3), "char": sound + specifications(4), "type-9": sound + specifications(9),
        "table": sound + specifications(table=b"\0\4\0\0" + b"\xff" * 1100), "denormalizer": sound + end + data(5, data(2, b"x")),
        "no-unknown": letters + end, "two-unknown": sound + piece("<x>", 0, 2) + end, "piece-empty": sound + piece("") + end,
        "piece-zero": sound + piece(b"a\0b") + end, "piece-not-utf8": sound + piece(b"\xff") + end, "piece-twice": sound + piece("c") + end,
        "score-nan": sound + piece("x", float("nan")) + end, "score-infinite": sound + piece("x", float("inf")) + end, "type-0": sound + piece("x", 0, 0) + end,
        "type-7": sound + piece("x", 0, 7) + end, "type-long": sound + data(1, data(1, b"x") + b"\x18\x84\x00") + end, "length-huge": sound + b"\x0a" + varint(2**63),
        "length-beyond": sound + b"\x0a\x7f", "number-endless": sound + b"\xff" * 20, "group": sound + end + b"\x0b\x0c", "field-0": sound + end + b"\0\0",
        "piece-number": number(1, 5) + sound + end, "text-number": data(1, number(1, 5)) + sound + end, "bytes-missing": sound + specifications(fallback=1)})


def tokenizer_characters(write):
    literal = lambda text: {"String": text}
    replace = lambda find, content: {"type": "Replace", "pattern": literal(find), "content": content}
    sequence = lambda name, *parts: {"type": "Sequence", name: list(parts)}
    prepend = {"type": "Prepend", "prepend": "▁"}
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True, "pattern": None, "behavior": None}
    decoder = [replace("▁", " "), {"type": "ByteFallback"}, {"type": "Fuse"}, strip]
    text = " a cell, cells<end_of_turn> \u00e9\U0001f600\n\n"
    sound = {
        "none": {}, "llama2": {"normalizer": sequence("normalizers", prepend, replace(" ", "▁")), "decoder": sequence("decoders", *decoder), "pre_tokenizer": None},
        "metaspace": {"normalizer": None, "pre_tokenizer": metaspace}, "unknown": {"model": {"byte_fallback": False}},
        "unknown-each": {"model": {"byte_fallback": False, "fuse_unk": False}}, "whole": {"model": {"ignore_merges": True}},
        "isolated": {"pre_tokenizer": {"pattern": literal("l"), "behavior": "Isolated"}},
        "expression": {"pre_tokenizer": {"pattern": {"String": None, "Regex": r"\s+|\p{L}"}}},
        "single-word": {"added_tokens": [{"id": 300, "content": "cell", "single_word": True, "normalized": True}]}}
    write("corpus", "tokenizer_characters", {
        name: json.dumps(patch, ensure_ascii=False, separators=(",", ":")) + "\0" + text for name, patch in sound.items()})
    grow = sequence("normalizers", *[replace("l", "l" * 100)] * 6)
    attacks = {
        "normalizer-other": {"normalizer": {"type": "NFKC"}}, "normalizer-expression": {"normalizer": {"pattern": {"String": None, "Regex": " "}}},
        "normalizer-empty": {"normalizer": replace("", "x")}, "normalizer-deletes": {"normalizer": replace(" ", "")}, "normalizer-no-content": {"normalizer": {"content": None}},
        "normalizer-many": {"normalizer": sequence("normalizers", *[prepend] * 21)}, "normalizer-grows": {"normalizer": grow},
        "normalizer-deep": {"normalizer": json.loads('{"type":"Sequence","normalizers":[' * 100 + '{"type":"NFC"}' + "]}" * 100)},
        "token-grows": {"normalizer": grow, "added_tokens": [{"id": 300, "content": "llll", "normalized": True}]},
        "split-empty": {"pre_tokenizer": {"pattern": literal("")}}, "split-removed": {"pre_tokenizer": {"behavior": "Removed"}},
        "metaspace-long": {"pre_tokenizer": metaspace | {"replacement": "ab"}}, "metaspace-empty": {"pre_tokenizer": metaspace | {"replacement": ""}},
        "metaspace-scheme": {"pre_tokenizer": metaspace | {"prepend_scheme": "x"}}, "metaspace-contradiction": {"pre_tokenizer": metaspace | {"add_prefix_space": False}},
        "metaspace-many": {"pre_tokenizer": sequence("pretokenizers", *[metaspace] * 101)}, "byte-level": {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}},
        "decoder-byte-level": {"decoder": {"type": "ByteLevel"}}, "decoder-other": {"decoder": sequence("decoders", {"type": "CTC"})},
        "decoder-many": {"decoder": sequence("decoders", *[{"type": "Fuse"}] * 21)}, "decoder-long": {"decoder": replace("l", "l" * 101)},
        "strip-text": {"decoder": strip | {"content": "ab"}}, "strip-empty": {"decoder": strip | {"content": ""}}, "strip-negative": {"decoder": strip | {"start": -1}},
        "unknown-missing": {"model": {"unk_token": "x"}}, "nothing-for-the-rest": {"model": {"unk_token": None, "byte_fallback": False}},
        "byte-missing": {"model": {"unk_token": None, "vocab": {"<0x00>": None}}}, "merge-unknown": {"model": {"merges": ["c q"]}}}
    write("attacks", "tokenizer_characters", {
        name: json.dumps(patch, ensure_ascii=False, separators=(",", ":")) + "\0" + text for name, patch in attacks.items()})


def make(write):
    for target in (tiktoken, sentence_piece, tokenizer_characters):
        target(write)

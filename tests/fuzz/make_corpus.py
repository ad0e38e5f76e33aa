"""Writes the inputs that fuzzing starts from, beside this file.

corpus/TARGET/   sound inputs, and (found-*) inputs that once broke a promise; those are not touched
attacks/TARGET/  hostile inputs; every one must be refused with InputError (corpus.cpp checks)

Nothing here is executed by being read: the pickles are put together opcode by opcode.
One file, though long, since it is a list of inputs: one function a target. Those that are put together byte by byte, and
the other tokenizers, have a file beside this one.
Usage: python3 tests/fuzz/make_corpus.py
"""

import json
import struct
from pathlib import Path

import elf_corpus
import pickle_corpus
import tenx_corpus
import tokenizer_corpus
import torch_corpus

HERE = Path(__file__).resolve().parent


def write(kind, target, files):
    folder = HERE / kind / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if not old.name.startswith("found-"):
            old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


# ---- safetensors ----------------------------------------------------------------------------------


def safetensors_file(header, data=b"", size=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header) if size is None else size) + header + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors():
    write("corpus", "safetensors", {
        "empty": safetensors_file({}),
        "scalar": safetensors_file({"a": tensor("F64", [], 0, 8)}, b"\0" * 8),
        "two": safetensors_file({"a": tensor("F32", [2, 3], 0, 24), "b": tensor("BF16", [2], 24, 28)}, bytes(range(28))),
        "no-elements": safetensors_file({"a": tensor("I8", [0, 5], 0, 0), "b": tensor("BOOL", [1], 0, 1)}, b"\1"),
        "metadata": safetensors_file({"__metadata__": {"format": "pt", "ü": "ß"}, "a": tensor("U8", [3], 0, 3)}, b"abc"),
        "padded": safetensors_file(b'{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}   ', b"\0" * 8),
        "all-types": safetensors_file(
            {d: tensor(d, [1], 8 * i, 8 * i + 8) for i, d in enumerate(["F64", "I64"])}, b"\0" * 16),
    })
    one = json.dumps({"a": tensor("F32", [2], 0, 8)}).encode()
    zeros = b"\0" * 8

    def with_entry(entry, data=zeros):
        return safetensors_file(b'{"a":' + (entry if isinstance(entry, bytes) else json.dumps(entry).encode()) + b"}", data)

    attacks = {
        "nothing": b"",
        "seven-bytes": b"\1\0\0\0\0\0\0",
        "header-missing": struct.pack("<Q", 10),
        "header-longer-than-file": safetensors_file(one, zeros, len(one) + 100),
        "header-of-2-to-63": safetensors_file(one, zeros, 2**63),
        "header-of-2-to-64": safetensors_file(one, zeros, 2**64 - 1),
        "header-wraps": safetensors_file(one, zeros, 2**64 - 8),
        "header-too-short": safetensors_file(one, zeros, len(one) - 1),
        "header-empty": safetensors_file(b""),
        "header-blank": safetensors_file(b" " + one, zeros),
        "header-list": safetensors_file(b"[]"),
        "header-text": safetensors_file(b'"a"'),
        "header-bom": safetensors_file(b"\xef\xbb\xbf{}"),
        "header-with-zero": safetensors_file(b'{}\0garbage'),
        "header-two-objects": safetensors_file(b"{}{}"),
        "header-not-utf8": safetensors_file(b'{"\xff":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "header-overlong-utf8": safetensors_file(b'{"\xc0\xaf":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "header-lone-surrogate": safetensors_file(b'{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "header-deep": safetensors_file(b'{"a":' * 1000 + b"1" + b"}" * 1000),
        "header-deep-lists": safetensors_file(b'{"a":' + b"[" * 2000),
        "header-deep-shape": with_entry(b'{"dtype":"U8","shape":' + b"[" * 500 + b"]" * 500 + b',"data_offsets":[0,8]}'),
        "entry-is-a-list": with_entry([1]),
        "entry-is-null": with_entry(None),
        "entry-is-a-number": with_entry(1),
        "entry-empty": with_entry({}),
        "entry-without-shape": with_entry({"dtype": "F32", "data_offsets": [0, 8]}),
        "entry-without-offsets": with_entry({"dtype": "F32", "shape": [2]}),
        "entry-without-dtype": with_entry({"shape": [2], "data_offsets": [0, 8]}),
        "entry-with-more": with_entry(tensor("F32", [2], 0, 8) | {"more": 1}),
        "entry-key-twice": with_entry(b'{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}'),
        "dtype-unknown": with_entry(tensor("F31", [2], 0, 8)),
        "dtype-complex": with_entry(tensor("C64", [1], 0, 8)),
        "dtype-number": with_entry(tensor(7, [2], 0, 8)),
        "dtype-list": with_entry(tensor(["F32"], [2], 0, 8)),
        "dtype-lower": with_entry(tensor("f32", [2], 0, 8)),
        "shape-negative": with_entry(tensor("F32", [-2], 0, 8)),
        "shape-negative-twice": with_entry(tensor("F32", [-1, -2], 0, 8)),
        "shape-real": with_entry(tensor("F32", [2.0], 0, 8)),
        "shape-text": with_entry(tensor("F32", "2", 0, 8)),
        "shape-nested": with_entry(tensor("F32", [[2]], 0, 8)),
        "shape-overflows": with_entry(tensor("F32", [2**62, 2**62], 0, 8)),
        "shape-overflows-to-8": with_entry(tensor("F32", [2**61 + 1, 8], 0, 32), b"\0" * 32),
        "shape-overflows-by-zero": with_entry(tensor("F32", [2**62, 2**62, 0], 0, 0), b""),
        "shape-beyond-64-bits": with_entry(b'{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}'),
        "shape-too-small": with_entry(tensor("F32", [1], 0, 8)),
        "shape-too-large": with_entry(tensor("F32", [3], 0, 8)),
        "offsets-one": with_entry(b'{"dtype":"F32","shape":[2],"data_offsets":[0]}'),
        "offsets-three": with_entry(b'{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}'),
        "offsets-none": with_entry(b'{"dtype":"F32","shape":[2],"data_offsets":[]}'),
        "offsets-backwards": with_entry(tensor("F32", [2], 8, 0)),
        "offsets-negative": with_entry(tensor("F32", [2], -8, 0)),
        "offsets-out-of-range": with_entry(tensor("F32", [2], 8, 16)),
        "offsets-far": with_entry(tensor("F32", [2], 2**62, 2**62 + 8)),
        "offsets-overflow": with_entry(tensor("F32", [2], 2**63 - 4, 2**63 + 4)),
        "offsets-all-bytes": with_entry(tensor("U8", [2**63 - 1], 0, 2**63 - 1)),
        "offsets-real": with_entry(b'{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}'),
        "offsets-exponent": with_entry(b'{"dtype":"F32","shape":[2],"data_offsets":[0,1e999]}'),
        "tensors-overlap": safetensors_file({"a": tensor("F32", [2], 0, 8), "b": tensor("F32", [2], 4, 12)}, b"\0" * 12),
        "tensors-same-bytes": safetensors_file({"a": tensor("F32", [2], 0, 8), "b": tensor("F32", [2], 0, 8)}, zeros),
        "tensors-with-a-gap": safetensors_file({"a": tensor("U8", [2], 0, 2), "b": tensor("U8", [2], 4, 6)}, b"\0" * 6),
        "tensors-name-twice": safetensors_file(
            b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
            b"ab"),
        "tensors-empty-name-twice": safetensors_file(
            b'{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
        "data-missing": safetensors_file(one),
        "data-short": safetensors_file(one, zeros[:7]),
        "data-left": safetensors_file(one, zeros + b"x"),
        "data-without-tensors": safetensors_file({}, b"x"),
        "metadata-list": safetensors_file({"__metadata__": []}),
        "metadata-of-numbers": safetensors_file({"__metadata__": {"a": 1}}),
        "metadata-nested": safetensors_file({"__metadata__": {"a": {"b": "c"}}}),
        "metadata-twice": safetensors_file(b'{"__metadata__":{},"__metadata__":{}}'),
        "metadata-key-twice": safetensors_file(b'{"__metadata__":{"a":"b","a":"c"}}'),
        "pickle": b"\x80\x02}q\0.",
        "zip": b"PK\x03\x04\x14\0\0\0\0\0archive/data.pkl",
        "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    }
    write("attacks", "safetensors", attacks)


# ---- JSON -----------------------------------------------------------------------------------------

BROKEN_JSON = {
    "empty": "", "blank": " \n", "cut-object": '{"a": ', "cut-text": '{"a": "b', "cut-list": "[1, 2",
    "two-values": "{} {}", "comment": "// a\n{}", "trailing-comma": '{"a": 1,}', "single-quotes": "{'a': 1}",
    "nan": '{"a": NaN}', "infinity": '{"a": -Infinity}', "huge-number": '{"a": 1e999}', "hex": '{"a": 0x10}',
    "leading-zero": '{"a": 01}', "plus": '{"a": +1}', "bad-escape": '{"a": "\\x"}', "lone-surrogate": '{"a": "\\ud800"}',
    "control": '{"a": "\x01"}', "not-utf8": b'{"a": "\xff"}', "overlong": b'{"a": "\xc0\x80"}',
    "zero-byte": b'{"a": 1}\0', "utf16": '{"a": 1}'.encode("utf-16"), "deep": "[" * 2000, "deep-closed": "[" * 600 + "]" * 600,
    "deep-objects": '{"a":' * 600 + "1" + "}" * 600, "gzip": b"\x1f\x8b\x08\0", "html": "<html>", "hdf5": b"\x89HDF\r\n\x1a\n",
}


def json_files():
    config = {"model_type": "llama", "hidden_size": 512, "rms_norm_eps": 1e-05, "tie_word_embeddings": True,
              "eos_token_id": [1, 2], "rope_scaling": {"rope_type": "llama3", "factor": 32.0}, "torch_dtype": None}
    write("corpus", "json", {
        "config": json.dumps(config), "list": "[1, 2.5, null, true, \"a\\u00e9\\n\"]", "number": "-0.0",
        "limits": json.dumps({"a": 2**64 - 1, "b": -(2**63), "c": 2**63, "d": 1e308, "e": [[1.5]], "f": 3.5e38}),
        "text": '"\\ud83d\\ude00"',
    })
    write("attacks", "json", BROKEN_JSON)
    lines = {"two": '{"a": 1}\n{"b": 2}\n', "crlf": '{"a": 1}\r\n\r\n[2]\r\n', "no-newline": '{"a": 1}\n{"b": 2}', "nothing": "",
             "blank": "\n \n\t\n", "half": '{"a": 1}\n'}
    write("corpus", "json_lines", lines)
    write("attacks", "json_lines", {
        name: (content if isinstance(content, bytes) else content.encode()).join([b'{"a": 1}\n', b"\n"])
        for name, content in BROKEN_JSON.items() if name not in ("empty", "blank", "comment", "utf16")
    } | {"half-a-line": '{"a": 1}\n{"b"', "lfs": "version https://git-lfs.github.com/spec/v1\n", "value-over-two-lines": '{"a":\n1}\n'})
    sound = {"cell": "AAAC-1", "reference": "a T cell", "prediction": "a B cell", "log_probability": -1.5}
    write("corpus", "predictions", {
        "one": json.dumps(sound) + "\n",
        "labels": json.dumps(sound | {"cell_type": "T cell", "tissue": "blood", "disease": None}) + "\n",
        "least": '{"reference": "", "prediction": ""}\n',
        "null": json.dumps(sound | {"log_probability": None}) + "\n",
        "two": (json.dumps(sound) + "\n") * 2,
    })
    write("attacks", "predictions", {
        "empty": "", "blank": "\n\n", "list": "[]\n", "number": "1\n", "null": "null\n",
        "without-prediction": '{"reference": "a"}\n', "without-reference": '{"prediction": "a"}\n',
        "prediction-number": json.dumps(sound | {"prediction": 1}) + "\n",
        "reference-null": json.dumps(sound | {"reference": None}) + "\n",
        "cell-list": json.dumps(sound | {"cell": []}) + "\n",
        "label-number": json.dumps(sound | {"tissue": 3}) + "\n",
        "probability-text": json.dumps(sound | {"log_probability": "high"}) + "\n",
        "probability-huge": '{"reference": "", "prediction": "", "log_probability": 1e999}\n',
        "probability-nan": '{"reference": "", "prediction": "", "log_probability": NaN}\n',
        "second-line-broken": json.dumps(sound) + "\n{\n", "csv": "cell,reference,prediction\n",
    })
    write("corpus", "card", {
        "generation": json.dumps({"beams": 4, "max_new_tokens": 64, "length_penalty": 1.0}),
        "tree": json.dumps({"a": {"b": [1, 2.5, "x\n", True]}, "c d": [{"e": {}}, {"f": []}]}),
        "list": "[1, 2]",
    })
    write("attacks", "card", {name: BROKEN_JSON[name] for name in ("empty", "cut-object", "nan", "deep", "zero-byte")} | {
        "null": '{"a": null}', "null-in-list": '{"a": [1, null]}', "number-beyond": '{"a": 9223372036854775808}',
        "number-far-beyond": '{"a": 18446744073709551615}'})


# ---- OBO, TOML ------------------------------------------------------------------------------------


def obo():
    header = "format-version: 1.2\ndata-version: releases/2025-07-30\nontology: cl\n\n"
    term = "[Term]\nid: CL:0000084\nname: T cell\n"
    full = term + ('def: "A \\"type\\" of lymphocyte." [GOC:add]\nsynonym: "T lymphocyte" EXACT []\nsynonym: "T" RELATED []\n'
                   'is_a: CL:0000542 ! lymphocyte\nrelationship: part_of UBERON:0000178 ! blood\nalt_id: CL:0000001\n'
                   'xref: FMA:1 {source="x"}\n\n[Term]\nid: CL:2\nname: old {a="b"} ! gone\nis_obsolete: true\n'
                   'replaced_by: CL:0000084\nconsider: CL:3\n\n[Typedef]\nid: part_of\n')
    write("corpus", "obo", {
        "one": header + term, "full": header + full, "crlf": (header + full).replace("\n", "\r\n"),
        "bom": "\ufeff" + header + term, "escapes": header + "[Term]\nid: A\\:1\nname: a\\nb\\W\\tc \\! \\{ {x} y\n",
        "ring": header + "[Term]\nid: A\nis_obsolete: true\nreplaced_by: B\n\n[Term]\nid: B\nis_obsolete: true\nreplaced_by: A\n",
    })
    write("attacks", "obo", {
        "empty": "", "header-only": header, "html": "<!DOCTYPE html>\n<html></html>\n", "gzip": b"\x1f\x8b\x08\0\0",
        "owl": '<?xml version="1.0"?>\n<rdf:RDF>\n', "json": '{"graphs": []}\n', "no-id": header + "[Term]\nname: T cell\n",
        "empty-id": header + "[Term]\nid:\n", "comment-id": header + "[Term]\nid: ! none\n", "two-ids": header + term + "id: CL:2\n",
        "defined-twice": header + term + "\n" + term, "no-colon": header + term + "is_a lymphocyte\n",
        "starts-with-colon": header + term + ": x\n", "definition-open": header + term + 'def: "A type\n',
        "definition-escaped-open": header + term + 'def: "A type\\"\n', "definition-bare": header + term + "def: A type\n",
        "synonym-bare": header + term + "synonym: T EXACT []\n", "is-a-empty": header + term + "is_a: \n",
        "relationship-half": header + term + "relationship: part_of\n", "not-utf8": header.encode() + b"[Term]\nid: \xff\n",
        "zero-byte": header.encode() + term.encode() + b"comment: \0\n", "latin1": (header + term + "comment: é\n").encode("latin-1"),
        "cut-in-a-character": (header + term + "comment: é").encode()[:-1], "cut-in-a-tag": header + term + "is_",
        "braces": header + "[Term]\nid: A\nname: " + "{ " * 1000 + "\n", "conflict": header + term + "<<<<<<< HEAD\n",
        "lfs": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    })


def toml():
    experiment = """name = "try"
seed = 1
[split]
validation = 0.1
[training]
epochs = 2
batch_size = 4
learning_rate = 1e-3
[generation]
beams = 4
[encoder]
plugin = "geneformer"
architecture = { layers = 2, width = 64 }
[[metrics]]
plugin = "overlap"
[[metrics]]
plugin = "labels"
"""
    write("corpus", "toml", {
        "experiment": experiment + "\0training.epochs=3", "list": "a = [1, 2.5, 'x', [true], {b = 1}]\n\0a.0=5",
        "texts": 'a = "\\u00e9\\n\\t\\""\nb = \'\'\'\nx\'\'\'\n"c d".e = """\ny\\\nz"""\n\0name=a b', "new": "\0a.b.c=1",
        "numbers": "a = 0x1F\nb = 0b101\nc = 1_000\nd = -0.0\ne = inf\nf = nan\ng = 5e+22\nh = -9223372036854775808\n",
    })
    write("attacks", "toml", {
        "cut-text": 'a = "b', "cut-list": "a = [1", "cut-table": "[a", "no-value": "a =\n", "key-twice": "a = 1\na = 2\n",
        "table-twice": "[a]\n[a]\n", "table-over-value": "a = 1\n[a]\n", "date": "a = 2024-01-01\n", "time": "a = [07:32:00]\n",
        "number-beyond": "a = 9223372036854775808\n", "not-utf8": b'a = "\xff"\n', "control": b'a = "\x01"\n',
        "bare-cr": b"a = 1\rb = 2\n", "two-on-a-line": "a = 1 b = 2\n", "json": '{"a": 1}', "yaml": "a: 1\n", "html": "<html>",
        "deep-lists": "a = " + "[" * 2000, "deep-tables": "a = " + "{a=" * 2000, "deep-closed": "a = " + "[" * 120 + "]" * 120 + "\n",
        "dotted": ".".join("a" * 1000) + " = 1\n", "dotted-quoted": ".".join(['"a"'] * 500) + " = 1\n",
        "dotted-header": "[" + ".".join("a" * 1000) + "]\n", "dotted-inline": "x = {" + ".".join("a" * 500) + " = 1}\n",
        "dotted-blanks": " . ".join("a" * 300) + " = 1\n", "surrogate": 'a = "\\ud800"\n', "beyond-unicode": 'a = "\\U00110000"\n',
        "newline-in-text": 'a = "b\nc"\n', "gzip": b"\x1f\x8b\x08\0\0",
        "bracket-in-value": 'a = [+["\u00e9"]]\n', "letter-behind-backslash": 'a = """\\\n\ufcffz"""\n',
    })


# ---- tokenizer ------------------------------------------------------------------------------------


def byte_characters():
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) if byte in kept else chr(0x100 + others.index(byte)) for byte in range(256)]


def tokenizer():
    vocabulary = {character: i for i, character in enumerate(byte_characters())}
    vocabulary |= {"ce": 256, "ll": 257, "cell": 258}
    sound = {
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": ["c e", "l l", "ce ll"]},
        "added_tokens": [{"id": 259, "content": "<|eot_id|>", "special": True}],
    }
    whole = json.dumps(sound, ensure_ascii=False, separators=(",", ":"))
    write("corpus", "tokenizer", {"sound": whole + "\0a cell <|eot_id|> é"})
    write("attacks", "tokenizer", {
        "empty": "", "object": "{}", "list": "[]", "cut": whole[:-2], "cut-vocabulary": whole[:600],
        "not-utf8": whole.encode().replace(b"eot_id", b"eot\xff_", 1), "deep": '{"a":' * 600,
        "no-model": json.dumps({key: sound[key] for key in ("pre_tokenizer", "decoder")}),
        "sentencepiece": b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02",
    })
    llama = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = {"type": "Split", "pattern": {"Regex": llama}, "behavior": "Isolated", "invert": False}
    end = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "e"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {"e": {"ids": [300]}}}
    patches = {
        "none": ({}, " a cell, cells <|eot_id|> \u00e9\U0001f600"),
        "llama": ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, end]}}, "It's 12345 cells\r\n\n x"),
        "prefix": ({"pre_tokenizer": {"add_prefix_space": True}}, "cell"),
        "whole-words": ({"model": {"ignore_merges": True}}, " cell hello"),
        "template": ({"post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}, template]}}, "cell"),
        "strip": ({"added_tokens": [{"id": 301, "content": "<a>", "lstrip": True, "rstrip": True},
                                    {"id": 302, "content": "<ab", "normalized": True, "special": True}]}, "x  <a> \u2003y<ab>"),
        "single-word": ({"added_tokens": [{"id": 301, "content": "hello", "single_word": True}]}, "hello hellos"),
        "text-pattern": ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            split | {"pattern": {"String": " "}}, end]}}, "a cell"),
        "pairs": ({"model": {"merges": [["c", "e"], ["l", "l"]]}}, "cell"),
        "gap": ({"added_tokens": [{"id": 2000, "content": "far"}]}, "far"),
    }
    write("corpus", "tokenizer_patch", {
        name: json.dumps(patch, separators=(",", ":")) + "\0" + used for name, (patch, used) in patches.items()})

    def model(**change):
        return {"model": change}

    def pre(component):
        return {"pre_tokenizer": None} if component is None else {"pre_tokenizer": component}

    def pattern(regex):
        return pre({"type": "Sequence", "pretokenizers": [split | {"pattern": {"Regex": regex}}, end]})

    def added(*tokens):
        return {"added_tokens": list(tokens)}

    def post(**change):
        return {"post_processor": template | change}

    attacks = {
        "model-unigram": model(type="Unigram"), "model-fallback": model(byte_fallback=True), "model-dropout": model(dropout=0.1),
        "model-prefix": model(continuing_subword_prefix="##"), "model-suffix": model(end_of_word_suffix="</w>"),
        "model-null": {"model": None}, "model-list": {"model": []}, "vocabulary-null": model(vocab=None),
        "vocabulary-list": model(vocab=[1]), "vocabulary-byte-missing": model(vocab={"a": None}),
        "vocabulary-id-text": model(vocab={"x y": "1"}), "vocabulary-id-real": model(vocab={"x y": 1.5}),
        "vocabulary-id-negative": model(vocab={"x y": -1}), "vocabulary-id-twice": model(vocab={"x y": 65}),
        "vocabulary-id-of-16-million": model(vocab={"x y": (1 << 24) - 1}), "vocabulary-id-of-a-million": model(vocab={"x y": 10**6}),
        "vocabulary-id-beyond": model(vocab={"x y": 2**63}), "vocabulary-id-far-beyond": model(vocab={"x y": 2**64 - 1}),
        "merges-null": model(merges=None), "merges-text": model(merges="a b"), "merges-number": model(merges=[1]),
        "merges-one": model(merges=["ab"]), "merges-three": model(merges=["a b c"]), "merges-list-of-one": model(merges=[["a"]]),
        "merges-unknown": model(merges=["q q"]), "merges-empty": model(merges=[" "]), "merges-numbers": model(merges=[[1, 2]]),
        "added-text": {"added_tokens": "x"}, "added-object": {"added_tokens": {"a": 1}}, "added-number": added(1),
        "added-empty": added({"id": 300, "content": ""}), "added-without-id": added({"content": "x"}),
        "added-twice": added({"id": 300, "content": "xx"}, {"id": 301, "content": "xx"}),
        "added-id-taken": added({"id": 65, "content": "xx"}), "added-id-negative": added({"id": -1, "content": "xx"}),
        "added-id-other": added({"id": 300, "content": "a"}), "added-id-of-16-million": added({"id": (1 << 24) - 1, "content": "xx"}),
        "added-id-far-beyond": added({"id": 2**64 - 1, "content": "xx"}),
        "added-flag-text": added({"id": 300, "content": "xx", "special": "yes"}),
        "normalizer": {"normalizer": {"type": "NFC"}}, "normalizer-text": {"normalizer": "NFC"},
        "normalizer-sequence": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}},
        "decoder-null": {"decoder": None}, "decoder-other": {"decoder": {"type": "WordPiece"}}, "decoder-list": {"decoder": []},
        "pre-null": pre(None), "pre-list": pre([]), "pre-other": pre({"type": "Metaspace"}), "pre-empty": pre({"type": "Sequence", "pretokenizers": []}),
        "pre-no-byte-level": pre({"type": "Sequence", "pretokenizers": [split]}),
        "pre-byte-level-twice": pre({"type": "Sequence", "pretokenizers": [end, end]}),
        "pre-behind-byte-level": pre({"type": "Sequence", "pretokenizers": [end, split]}),
        "pre-removed": pre({"type": "Sequence", "pretokenizers": [split | {"behavior": "Removed"}, end]}),
        "pre-inverted": pre({"type": "Sequence", "pretokenizers": [split | {"invert": True}, end]}),
        "pre-many": pre({"type": "Sequence", "pretokenizers": [{"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "a"}}] * 101 + [end]}),
        "pattern-open": pattern("("), "pattern-class-open": pattern("[a"), "pattern-empty": pattern(""), "pattern-matches-nothing": pattern("a*"),
        "pattern-anchor": pattern("^a"), "pattern-back-reference": pattern(r"(a)\1"), "pattern-recursion": pattern("(?R)a"),
        "pattern-callout": pattern("(?C1)a"), "pattern-script": pattern(r"\p{Latin}"), "pattern-verb": pattern("(*LIMIT_MATCH=1)a"),
        "pattern-huge-repeat": pattern("(?:a{60000}){60000}"), "pattern-nested-repeat": pattern("((((a{1000}){1000}){1000}){1000})"),
        "pattern-deep": pattern("(" * 2000 + "a" + ")" * 2000), "pattern-long-name": pattern(r"\p{" + "L" * 500),
        "post-other": {"post_processor": {"type": "RobertaProcessing"}}, "post-list": {"post_processor": []},
        "post-two-templates": {"post_processor": {"type": "Sequence", "processors": [template, template]}},
        "post-id-unknown": post(special_tokens={"e": {"ids": [299]}}), "post-id-negative": post(special_tokens={"e": {"ids": [-1]}}),
        "post-without-text": post(single=[{"SpecialToken": {"id": "e"}}]), "post-text-twice": post(single=[{"Sequence": {"id": "A"}}] * 2),
        "post-text-b": post(single=[{"Sequence": {"id": "B"}}]), "post-special-missing": post(special_tokens={"e": None}),
        "post-many-ids": post(single=[{"SpecialToken": {"id": "e"}}] * 40 + [{"Sequence": {"id": "A"}}], special_tokens={"e": {"ids": [300] * 40}}),
    }
    write("attacks", "tokenizer_patch", {
        name: json.dumps(patch, separators=(",", ":")) for name, patch in attacks.items()})
    patterns = {"llama": llama, "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
                "repeat": r"\p{Lu}{2,}|[a-z]{1,3}|\d+", "look": r"(?<=a)b|(?<!c)d|(?>e+)f|\S+|.+"}
    used = "It's 12345 CELLS, abd eeef \u00e9\u00df\U0001f600\r\n\t x"
    write("corpus", "split_pattern", {name: regex + "\0" + used for name, regex in patterns.items()})
    write("attacks", "split_pattern", {
        "open": "(", "class-open": "[a", "empty": "", "matches-nothing": "a*", "anchor": "^a", "dollar": "a$", "back-reference": r"(a)\1",
        "recursion": "(?R)a", "callout": "(?C1)a", "script": r"\p{Latin}", "verb": "(*ACCEPT)a", "condition": "(?(1)a)", "name": "(?<n>a)",
        "huge-repeat": "(?:a{60000}){60000}", "huge-number": "a{99999999999}", "nested": "((((a{1000}){1000}){1000}){1000})",
        "possessive-repeat": "a{2}+", "backslash": "a\\", "unknown-escape": r"\Qa\E", "class-in-class": "[[:alpha:]]", "and": "[a&&b]",
        "deep": "(" * 3000 + "a" + ")" * 3000, "backwards-range": "[z-a]", "backwards-repeat": "a{3,1}", "look-behind": "(?<=a+)b",
        "limit": "(*LIMIT_MATCH=1)a",
    })


# ---- labels, tables ---------------------------------------------------------------------------------


def labels():
    text = ("This sample consists of a T cell, a lymphocyte. It originates from the bone marrow of a male with COVID-19 during adulthood."
            " This cell is associated with signalling. Additionally, it involves growth.")
    write("corpus", "labels", {
        "paper": "T cell\na lymphocyte.\nbone marrow\nblood\nCOVID-19\nmale\n42-year-old stage\nsignalling\0" + text,
        "normal": "B cell\n\nlung\n\nnormal\nfemale\nthird decade stage\n\0This sample consists of a B cell. It originates from the lung of a normal female.",
        "unknown": "unknown\nna\n\nunknown\0consists of an  ", "only-tissue": "x\n\nmucosa of stomach\0. It originates from the mucosa of stomach of an individual.",
        "nested": "a of a with\nwith \nof an\n.\n,\0consists of a a of a with. It originates from the of a with of a with with .",
        "stage": "human 2-4 year-old child stage\n9th week post-fertilization stage\nchild stage (1-4 yo)\n\n\n\nfourth LMP month stage\0",
    })


def tables():
    write("corpus", "csv", {
        "map": "label,id\nT cell,CL:0000084\n\"B cell, CD19-positive\",CL:0001201\n", "crlf": "label\r\nT cell\r\n\r\n",
        "bom": "\ufefflabel,name\n,\n", "quotes": 'a\n"b ""c"""\n"line\nbreak"\n', "blanks": 'a , b\n " c",d \n" e ",\n',
    })
    write("attacks", "csv", {
        "empty": "", "empty-lines": "\n\n", "not-utf8": b"a\xff\n", "open-quote": 'a\n"b', "behind-a-quote": 'a\n"b"c\n',
        "fewer": "a,b\n1\n", "more": "a\n1,2\n",
    })
    special = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    write("corpus", "word_piece", {
        "words": special + "cell\n##s\nt\n,\n\0T cells, caf\u00e9 \u4e2d\u6587 [MASK]", "crlf": special.replace("\n", "\r\n") + "a\r\n\0a b",
        "twice": special + "a\na\n\0a aa", "blank-line": special + "\n##\n\0 \u0301", "long": special + "a\n##a\n\0" + "a" * 120,
    })
    write("attacks", "word_piece", {
        "empty": "", "no-special": "cell\n##s\n", "no-mask": special.replace("[MASK]\n", ""), "not-utf8": special.encode() + b"\xff\n",
    })


if __name__ == "__main__":
    for make in (safetensors, json_files, obo, toml, tokenizer, labels, tables):
        make()
    for part in (pickle_corpus, elf_corpus, tenx_corpus, tokenizer_corpus, torch_corpus):
        part.make(write)

"""Writes the inputs that fuzzing starts from, beside this file.

corpus/TARGET/   sound inputs, and (found-*) inputs that once broke a promise; those are not touched
attacks/TARGET/  hostile inputs; every one must be refused with InputError (corpus.cpp checks)

Nothing here is executed by being read: the pickles are put together opcode by opcode.
One file, though long: a list of inputs, one function a target, with the few helpers that all share.
Usage: python3 tests/fuzz/make_corpus.py
"""

import json
import pickle
import struct
from pathlib import Path

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


# ---- pickle ---------------------------------------------------------------------------------------


def text(value):  # SHORT_BINUNICODE
    value = value.encode()
    return b"\x8c" + bytes([len(value)]) + value


def stack_global(module, name):
    return text(module) + text(name) + b"\x93"


def line_global(module, name):
    return f"c{module}\n{name}\n".encode()


def numpy_scalar(code=b"f8", order=b"<", data=struct.pack("<d", 1.5)):
    dtype = b"cnumpy\ndtype\n" + text(code.decode()) + b"\x89\x88\x87R(K\x03" + text(order.decode())
    dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    return b"\x80\x03cnumpy.core.multiarray\nscalar\n" + dtype + b"C" + bytes([len(data)]) + data + b"\x86R."


def pickles():
    sound = {
        "empty-dict": pickle.dumps({}, 4),
        "numpy-f8": numpy_scalar(),
        "numpy-f4": numpy_scalar(b"f4", b"<", struct.pack("<f", -2.5)),
        "numpy-i8": numpy_scalar(b"i8", b"<", struct.pack("<q", -1)),
        "numpy-i4": numpy_scalar(b"i4", b"=", struct.pack("<i", 7)),
        "nested": pickle.dumps([[[[[[(1, (2, {3: [4]}))]]]]]], 2),
    }
    values = {"ENSG00000000003": 12, "<pad>": 0, "text": "aß😀", "none": None, "yes": True, "real": 2.5,
              "list": [1, -7, 1 << 40], "tuple": (1, 2, 3, 4), "bytes": b"\x00\xff", "again": {"text": "aß😀"}}
    for protocol in range(6):
        sound[f"values-{protocol}"] = pickle.dumps(values, protocol)
    write("corpus", "pickle", sound)

    command = text("touch /tmp/cell2text-was-attacked")
    calls = [("os", "system"), ("posix", "system"), ("nt", "system"), ("builtins", "eval"), ("builtins", "exec"),
             ("builtins", "getattr"), ("builtins", "__import__"), ("__builtin__", "apply"), ("subprocess", "Popen"),
             ("subprocess", "check_output"), ("runpy", "_run_code"), ("importlib", "import_module"),
             ("operator", "attrgetter"), ("functools", "partial"), ("webbrowser", "open"), ("shutil", "rmtree"),
             ("pty", "spawn"), ("code", "InteractiveInterpreter"), ("types", "CodeType"), ("marshal", "loads"),
             ("pickle", "loads"), ("numpy", "load"), ("numpy.core.multiarray", "_reconstruct"),
             ("numpy", "ndarray"), ("numpy.testing._private.utils", "runstring"), ("torch", "load"),
             ("torch._utils", "_rebuild_tensor_v2"), ("collections", "OrderedDict"), ("copyreg", "_reconstructor"),
             ("copyreg", "add_extension"), ("_codecs", "decode"), ("codecs", "open"), ("builtins", "bytearray"),
             ("builtins", "open"), ("os.path", "join"), ("", ""), ("numpy.core.multiarray", "scalar.__class__")]
    attacks = {}
    for module, name in calls:
        label = f"{module}.{name}".replace("/", "_") or "nothing"
        attacks[f"reduce-{label}"] = line_global(module, name) + b"(" + command + b"tR."
        attacks[f"stack-global-{label}"] = b"\x80\x04" + stack_global(module, name) + command + b"\x85R."
    for module, name in calls[:8]:
        label = f"{module}.{name}"
        attacks[f"inst-{label}"] = b"(" + command + f"i{module}\n{name}\n.".encode()
        attacks[f"obj-{label}"] = b"(" + line_global(module, name) + command + b"o."
        attacks[f"newobj-{label}"] = line_global(module, name) + command + b"\x85\x81."
        attacks[f"newobj-ex-{label}"] = line_global(module, name) + command + b"\x85}\x92."
        attacks[f"build-{label}"] = b"}" + text("__setstate__") + line_global(module, name) + b"s" + command + b"b."
        attacks[f"in-a-dict-{label}"] = b"}" + text("a") + line_global(module, name) + command + b"\x85Rs."
    # The globals that are understood, used otherwise than numpy and Python use them.
    scalar, dtype = line_global("numpy.core.multiarray", "scalar"), line_global("numpy", "dtype")
    encode, byte_type = line_global("_codecs", "encode"), line_global("builtins", "bytes")
    attacks |= {
        "known-scalar-without-arguments": scalar + b")R.",
        "known-scalar-of-scalar": scalar + scalar + command + b"\x86R.",
        "known-scalar-itself": scalar + b".",
        "known-dtype-itself": dtype + text("f8") + b"\x85R.",
        "known-dtype-object": numpy_scalar(b"O8", b"|", b"\0" * 8),
        "known-dtype-of-a-record": numpy_scalar(b"V8", b"|", b"\0" * 8),
        "known-dtype-big-endian": numpy_scalar(b"f8", b">", b"\0" * 8),
        "known-scalar-too-short": numpy_scalar(b"f8", b"<", b"\0" * 4),
        "known-scalar-too-long": numpy_scalar(b"i4", b"<", b"\0" * 8),
        "known-dtype-set-from-a-list": dtype + text("f8") + b"\x85R](K\3" + text("<") + b"eb.",
        "known-encode-rot13": encode + text("x") + text("rot13") + b"\x86R.",
        "known-encode-beyond-latin1": encode + text("\u0100") + text("latin1") + b"\x86R.",
        "known-bytes-of-a-size": byte_type + b"J\xff\xff\xff\x7f\x85R.",
        "known-newobj-of-dtype": dtype + text("O") + b"\x85\x81.",
        "build-on-a-dict": b"}}b.",
        "build-on-a-list": b"]" + text("__class__") + b"b.",
        "reduce-on-a-text": text("os.system") + command + b"\x85R.",
        "reduce-on-a-number": b"K\x01)R.",
        "reduce-without-a-tuple": dtype + command + b"R.",
        "stack-global-of-numbers": b"K\x01K\x02\x93.",
        "numpy-array-of-objects": line_global("numpy.core.multiarray", "_reconstruct")
        + line_global("numpy", "ndarray") + b"K\0\x85C\x01b\x87R(K\x01K\x01\x85" + dtype + text("O8")
        + b"\x89\x88\x87R(K\x03" + text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]Natb.",
        "persistent-id": b"Pmodule.weights\n.",
        "persistent-id-binary": text("storage") + b"Q.",
        "extension-1": b"\x82\x01.",
        "extension-2": b"\x83\x01\x01.",
        "extension-4": b"\x84\x01\x01\x01\x01.",
        "buffer-next": b"\x97.",
        "buffer-read-only": b"\x97\x98.",
        "bytearray": b"\x96\x01\0\0\0\0\0\0\0a.",
        "set-empty": b"\x8f.",
        "set-frozen": b"(\x91.",
        "set-additems": b"\x8f(K\x01\x90.",
        # lengths that lie
        "length-long1": b"\x8a\xff\x01.",
        "length-long4": b"\x8b\xff\xff\xff\x7f\x01.",
        "length-long4-negative": b"\x8b\xff\xff\xff\xff\x01.",
        "length-long-of-nine": b"\x8a\x09" + b"\0" * 8 + b"\x01.",
        "length-binunicode": b"X\xff\xff\xff\xffabc.",
        "length-binunicode8": b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.",
        "length-binbytes": b"B\xff\xff\xff\x7fabc.",
        "length-binbytes8": b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
        "length-binbytes8-wraps": b"\x8e" + struct.pack("<Q", 2**64 - 5) + b"abc.",
        "length-binstring-negative": b"T\xff\xff\xff\xffabc.",
        "length-of-nothing": b"\x8d",
        "frame-beyond-the-end": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN",
        "frame-cut": b"\x80\x04\x95\x01\0",
        # memo
        "memo-unknown": b"h\x05.",
        "memo-far": b"Nr\xff\xff\xff\xff.",
        "memo-far-text": b"Np18446744073709551615\n.",
        "memo-beyond-64-bits": b"Np99999999999999999999999\n.",
        "memo-negative": b"Np-1\n.",
        "memo-of-nothing": b"\x94.",
        "memo-of-a-mark": b"(\x94.",
        "memo-list-in-itself": b"]q\0h\0a.",
        "memo-dict-in-itself": b"}q\0" + text("a") + b"h\0s.",
        "memo-ring": b"]q\0]q\x01h\0ah\x01a.",
        # the rest
        "protocol-6": b"\x80\x06N.",
        "protocol-255": b"\x80\xffN.",
        "empty": b"",
        "stop-only": b".",
        "two-pickles": b"N.N.",
        "command-behind-the-end": b"N." + line_global("os", "system") + command + b"\x85R.",
        "mark-left": b"(.",
        "mark-popped": b"(0.",
        "tuple-without-mark": b"t.",
        "dict-odd": b"(Nd.",
        "utf8-broken": b"\x8c\x02\xc3\x28.",
        "surrogate": b"V\\ud800\n.",
        "python-2-not-ascii": b"U\x01\xe9.",
        "opcode-0": b"\0",
        "opcode-255": b"\xff.",
        "zip": b"PK\x03\x04\x14\0\0\0\0\0archive/data.pkl",
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0",
        "html": b"<!DOCTYPE html><html>",
        "deep-lists": b"]" * 1000 + b"a" * 999 + b".",
        "deep-tuples": b"(" * 1000 + b"t" * 1000 + b".",
        "deep-dicts": b"}N" * 500 + b"}" + b"s" * 500 + b".",
    }
    laughs = b"]"
    for level in range(40):
        laughs += b"q" + bytes([level]) + b"0](" + (b"h" + bytes([level])) * 10 + b"e"
    attacks["memo-billion-laughs"] = laughs + b"."
    attacks["memo-billion-laughs-tuples"] = b"N" + b"".join(b"2\x86" for _ in range(150)) + b"."
    attacks["memo-billion-texts"] = (b"X" + struct.pack("<I", 2000) + b"x" * 2000 + b"q\0" + b"0](" + b"h\0" * 10
                                     + b"eq\x01" + b"".join(
        b"0](" + (b"h" + bytes([k])) * 10 + b"eq" + bytes([k + 1]) for k in range(1, 6)) + b".")
    write("attacks", "pickle", attacks)

    write("corpus", "dictionary", {
        "json-int": '{"ENSG00000000003": 12, "<pad>": 0}',
        "json-real": '{"ENSG00000000003": 1.5, "b": 2e3}',
        "json-text": '{"TSPAN6": "ENSG00000000003"}',
        "pickle-int": pickle.dumps({"a": 1, "b": 2}, 4),
        "pickle-real": pickle.dumps({"a": 1.5, "b": 2.5}, 0),
        "pickle-text": pickle.dumps({"a": "b"}, 2),
        "pickle-numpy": b"}" + text("a") + numpy_scalar()[2:-1] + b"s.",
    })
    write("attacks", "dictionary", {
        "not-a-dict": pickle.dumps([1, 2], 4),
        "key-is-a-number": pickle.dumps({1: 2}, 4),
        "value-is-a-list": pickle.dumps({"a": [1]}, 4),
        "value-is-nan": pickle.dumps({"a": float("nan")}, 4),
        "value-is-infinite": pickle.dumps({"a": float("inf")}, 4),
        "key-twice": b"}(" + text("a") + b"K\x01" + text("a") + b"K\x02u.",
        "system": b"}" + text("a") + line_global("os", "system") + command + b"\x85Rs.",
        "json-list": '{"a": []}',
        "json-object": '{"a": {"b": 1}}',
        "json-null": '{"a": null}',
        "json-cut": '{"a": 1',
        "json-nan": '{"a": NaN}',
        "json-huge": '{"a": 1e999}',
        "lfs": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    })


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


# ---- ELF, labels ----------------------------------------------------------------------------------


def stamp(**change):
    fields = {"magic": b"cell2text-plugin", "size": 288, "abi": 1, "torch": (2, 0), "cxx": b"libstdc++ cxx11", "layout": b"plain",
              "kind": b"metric", "name": b"x", "compiler": b"g++ 12", "build": b"release"} | change
    return struct.pack("<16sIIII32s32s32s64s64s32s", fields["magic"], fields["size"], fields["abi"], *fields["torch"], fields["cxx"],
                       fields["layout"], fields["kind"], fields["name"], fields["compiler"], fields["build"])


def elf_file(section=None, names=b"\0.cell2text\0.names\0", header=None, sections=None):
    section = stamp() if section is None else section
    at_section, at_names = 64, 64 + len(section)
    table = at_names + len(names)
    fields = {"ident": b"\x7fELF\x02\x01\x01" + b"\0" * 9, "type": 3, "machine": 62, "version": 1, "entry": 0, "phoff": 0, "shoff": table,
              "flags": 0, "ehsize": 64, "phentsize": 56, "phnum": 0, "shentsize": 64, "shnum": 3, "shstrndx": 2} | (header or {})
    rows = [[0] * 10, [1, 1, 2, 0, at_section, len(section), 0, 0, 1, 0], [12, 3, 0, 0, at_names, len(names), 0, 0, 1, 0]]
    for row, column, value in sections or []:
        rows[row][column] = value
    return (struct.pack("<16sHHIQQQIHHHHHH", *fields.values()) + section + names
            + b"".join(struct.pack("<IIQQQQIIQQ", *row) for row in rows))


def elf():
    write("corpus", "elf", {
        "stamp": elf_file(), "no-sections": elf_file(header={"shoff": 0, "shnum": 0}), "other-section": elf_file(names=b"\0.cell3text\0.names\0"),
        "many-sections": elf_file(header={"shnum": 0, "shstrndx": 0xFFFF}, sections=[(0, 5, 3), (0, 6, 2)]),
        "longer-stamp": elf_file(stamp(size=292) + b"\0\0\0\0"), "no-names": elf_file(header={"shstrndx": 0}),
    })
    sound = elf_file()
    write("attacks", "elf", {
        "empty": b"", "text": b"#!/bin/sh\n", "script": b"import os\n", "magic-only": b"\x7fELF", "header-cut": sound[:63],
        "32-bit": elf_file(header={"ident": b"\x7fELF\x01\x01\x01" + b"\0" * 9}), "big-endian": elf_file(header={"ident": b"\x7fELF\x02\x02\x01" + b"\0" * 9}),
        "other-version": elf_file(header={"ident": b"\x7fELF\x02\x01\x07" + b"\0" * 9}), "arm": elf_file(header={"machine": 183}),
        "entry-size": elf_file(header={"shentsize": 40}), "entry-size-zero": elf_file(header={"shentsize": 0}),
        "table-far": elf_file(header={"shoff": 2**63}), "table-wraps": elf_file(header={"shoff": 2**64 - 64}), "table-cut": sound[:-1],
        "table-too-long": elf_file(header={"shnum": 1000}), "count-huge": elf_file(header={"shnum": 0}, sections=[(0, 5, 2**40)]),
        "count-overflows": elf_file(header={"shnum": 0}, sections=[(0, 5, 2**58 + 1)]), "names-index": elf_file(header={"shstrndx": 9}),
        "names-index-huge": elf_file(header={"shstrndx": 0xFFFF}, sections=[(0, 6, 2**32 - 1)]), "names-type": elf_file(sections=[(2, 1, 1)]),
        "names-far": elf_file(sections=[(2, 4, 2**63)]), "names-long": elf_file(sections=[(2, 5, 2**63)]), "names-wrap": elf_file(sections=[(2, 4, 2**64 - 8), (2, 5, 16)]),
        "name-outside": elf_file(sections=[(1, 0, 2**32 - 1)]), "section-far": elf_file(sections=[(1, 4, 2**63)]), "section-wraps": elf_file(sections=[(1, 4, 2**64 - 8)]),
        "section-long": elf_file(sections=[(1, 5, 10**6)]), "section-of-65-MiB": elf_file(sections=[(1, 5, 65 << 20)]), "section-of-2-to-64": elf_file(sections=[(1, 5, 2**64 - 1)]),
        "section-compressed": elf_file(sections=[(1, 2, 0x800)]), "section-without-bytes": elf_file(sections=[(1, 1, 8)]),
        "stamp-empty": elf_file(b""), "stamp-short": elf_file(stamp()[:19]), "stamp-magic": elf_file(stamp(magic=b"another-program!")),
        "stamp-size": elf_file(stamp(size=289)), "stamp-size-huge": elf_file(stamp(size=2**32 - 1)), "stamp-not-utf8": elf_file(stamp(name=b"\xff\xfe")),
    })


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
    for make in (pickles, safetensors, json_files, obo, toml, tokenizer, elf, labels, tables):
        make()
    tokenizer_corpus.make(write)
    torch_corpus.make(write)

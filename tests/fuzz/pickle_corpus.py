"""Pickles for the fuzz targets that read them, put together opcode by opcode: make_corpus.py writes them."""
import pickle
import struct


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


def make(write):
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

"""Files of torch.save for the fuzz target torch_file, put together byte by byte: make_corpus.py writes them."""
import struct

GLOBALS = b"ctorch._utils\n_rebuild_tensor_v2\n"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"\x8a\x08" + struct.pack("<q", value)


def tensor(type="FloatStorage", key="0", elements=6, offset=0, shape=(2, 3), strides=(3, 1)):
    return (GLOBALS + b"((" + text("storage") + b"ctorch\n" + type.encode() + b"\n" + text(key) + text("cpu") +
            number(elements) + b"tQ" + number(offset) + b"(" + b"".join(map(number, shape)) + b"t(" +
            b"".join(map(number, strides)) + b"t\x89ccollections\nOrderedDict\n)RtR")


def state(**values):
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in values.items()) + b"u."


def archive(pickle=None, entries=None, method=0, flags=0, local=None, sizes=None, large=False, **end):
    entries = [("m/data.pkl", state(w=tensor()) if pickle is None else pickle), ("m/byteorder", b"little"),
               ("m/data/0", b"\1" * 24)] if entries is None else entries
    out, directory = b"", b""
    for name, data in entries:
        size = struct.pack("<II", *(sizes or (len(data), len(data))))
        start = struct.pack("<HHHI", 0, flags, method, 0) + b"\0\0\0\0" + size + struct.pack("<HH", len(name), 0)
        place = len(out) if local is None else local
        directory += b"PK\1\2\0\0" + start + b"\0" * 10 + struct.pack("<I", place) + name.encode()
        out += b"PK\3\4" + start + name.encode() + data
    facts = {"count": len(entries), "size": len(directory), "offset": len(out)} | end
    tail = b""
    if large:
        at = len(out) + len(directory)
        tail = (b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 0, 0, 0, 0, facts["count"], facts["count"], facts["size"],
                                        facts["offset"]) + b"PK\6\7" + struct.pack("<IQI", 0, large if large > 1 else at, 1))
        facts |= {"count": 0xFFFF, "size": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
    return out + directory + tail + b"PK\5\6\0\0\0\0" + struct.pack(
        "<HHIIH", facts["count"], facts["count"], facts["size"], facts["offset"], 0)


def make(write):
    far = 1 << 62
    write("corpus", "torch_file", {
        "one": archive(), "large": archive(large=True), "empty": archive(state()),
        "turned": archive(state(w=tensor(shape=(3, 2), strides=(1, 3)))),
        "shared": archive(state(a=tensor(), b=tensor(offset=3, shape=(3,), strides=(1,)))),
        "no-elements": archive(state(w=tensor(shape=(0, far, far), strides=(1, 1, 1)))),
        "scalar": archive(state(w=tensor(type="BFloat16Storage", elements=12, shape=(), strides=()))),
        "parameter": archive(state(w=b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88ccollections\nOrderedDict\n)RtR")),
        "metadata": archive(b"\x80\x02ccollections\nOrderedDict\n)R(" + text("w") + tensor() + b"u}(" + text("_metadata") + b"}ub."),
    })
    one = archive()
    write("attacks", "torch_file", {
        "nothing": b"", "end-only": one[-22:], "cut": one[:-1], "cut-in-two": one[:len(one) // 2],
        "compressed": archive(method=8), "encrypted": archive(flags=1), "one-place": archive(local=0),
        "place-far": archive(local=0xFFFFFF00), "sizes-far": archive(sizes=(0xFFFFFF00, 0xFFFFFF00)),
        "sizes-large": archive(sizes=(0xFFFFFFFF, 0xFFFFFFFF)), "sizes-differ": archive(sizes=(3, 4)),
        "count-many": archive(count=0xFFFE), "count-few": archive(count=1), "size-wrong": archive(size=3),
        "offset-far": archive(offset=0xFFFFFF00), "large-far": archive(large=1 << 63),
        "large-missing": archive(count=0xFFFF), "no-pickle": archive(entries=[("m/data/0", b"x")]),
        "two-pickles": archive(entries=[("m/data.pkl", state()), ("n/data.pkl", state())]),
        "twice": archive(entries=[("m/data.pkl", state()), ("m/data.pkl", state())]),
        "big-endian": archive(entries=[("m/data.pkl", state()), ("m/byteorder", b"big")]),
        "system": archive(b"cposix\nsystem\n(" + text("true") + b"tR."),
        "system-as-storage": archive(state(w=tensor().replace(b"ctorch\nFloatStorage\n", b"cposix\nsystem\n"))),
        "system-as-hooks": archive(state(w=tensor().replace(b"ccollections\nOrderedDict\n", b"cposix\nsystem\n"))),
        "torch-load": archive(b"ctorch\nload\n)R."), "eval": archive(b"cbuiltins\neval\n(" + text("1") + b"tR."),
        "number": archive(state(w=b"K\1")), "list": archive(b"\x80\x02]."), "key-number": archive(b"\x80\x02}K\1K\2s."),
        "storage-missing": archive(state(w=tensor(key="9"))), "storage-wide": archive(state(w=tensor(type="DoubleStorage"))),
        "storage-escape": archive(state(w=tensor(key="../data.pkl"))), "offset-beyond": archive(state(w=tensor(offset=1))),
        "offset-huge": archive(state(w=tensor(offset=far))), "offset-negative": archive(state(w=tensor(offset=-1))),
        "elements-huge": archive(state(w=tensor(elements=far))), "elements-negative": archive(state(w=tensor(elements=-6))),
        "shape-huge": archive(state(w=tensor(shape=(far, far), strides=(far, far)))),
        "shape-expanded": archive(state(w=tensor(shape=(far,), strides=(0,)))),
        "shape-negative": archive(state(w=tensor(shape=(-2, 3)))), "strides-negative": archive(state(w=tensor(strides=(-3, 1)))),
        "strides-few": archive(state(w=tensor(strides=(1,)))), "shape-long": archive(state(w=tensor(shape=(1,) * 65, strides=(1,) * 65))),
        "tensor-itself": archive(GLOBALS + b"."), "tensor-of-nothing": archive(GLOBALS + b")R."),
    })

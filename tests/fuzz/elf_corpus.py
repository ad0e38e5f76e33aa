"""Plugins' stamps and the ELF files around them for the fuzz target elf: make_corpus.py writes them."""
import struct


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


UNIQUE, GLOBAL = 0xA1, 0x11  # of a symbol: how it is bound, and that it is an object


def symbol(name, info=UNIQUE, section=1):
    return struct.pack("<IBBHQQ", name, info, 0, section, 0, 8)


def library(symbols=None, texts=b"\0_ZN6SharedIiE5valueE\0plain\0", sections=None):
    """A file with the sections .dynsym and .dynstr alone."""
    symbols = symbol(0, 0, 0) + symbol(1) + symbol(22, GLOBAL) + symbol(22) if symbols is None else symbols
    names = b"\0.dynsym\0.dynstr\0.shstrtab\0"
    parts = [symbols, texts, names]
    starts = [64 + sum(map(len, parts[:i])) for i in range(4)]
    rows = [[0] * 10] + [[name, kind, 0, 0, start, len(part), 0, 0, 1, 0]
                         for name, kind, start, part in zip((1, 9, 17), (11, 3, 3), starts, parts)]
    for row, column, value in sections or []:
        rows[row][column] = value
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01" + b"\0" * 9, 3, 62, 1, 0, 0, starts[3], 0, 64, 56, 0, 64, 4, 3)
    return header + b"".join(parts) + b"".join(struct.pack("<IIQQQQIIQQ", *row) for row in rows)


def make_symbols(write):
    write("corpus", "elf_symbols", {
        "unique": library(), "no-symbols": library(b""), "no-table": elf_file(), "not-mangled": library(symbol(1), b"\0_Znothing\0"),
        "undefined": library(symbol(1, section=0)), "name-to-the-end": library(symbol(1), b"\0_ZN1aE"), "substitutions": library(symbol(1), b"\0_Z1fSt4pairIS_IiiES0_E\0"),
    })
    write("attacks", "elf_symbols", {
        "table-odd": library(symbol(1)[:-5]), "name-outside": library(symbol(10**6)), "name-huge": library(symbol(2**32 - 1)),
        "texts-empty": library(symbol(1), b""), "table-far": library(sections=[(1, 4, 2**63)]), "table-long": library(sections=[(1, 5, 24 * 10**6)]),
        "texts-wrap": library(sections=[(2, 4, 2**64 - 8), (2, 5, 16)]), "cut": library()[:-1],
    })


def make(write):
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
    make_symbols(write)

"""Inputs for the target tenx: Matrix Market files, and behind a byte of zero a table. See make_corpus.py."""


def make(write):
    banner = "%%MatrixMarket matrix coordinate integer general\n"
    real = banner.replace("integer", "real")
    write("corpus", "tenx", {
        "cells": banner + '%metadata_json: {"format_version": 2}\n3 4 4\n1 1 5\n3 1 7\n2 3 1\n1 4 300\n'
                          "\0ENSG00000141510\tTP53\tGene Expression\nAB1\tCD3\tAntibody Capture\nx\n",
        "real": real + "2 2 2\n1 1 1.5\n2 2 3e+2\n\0AAACCTGAGAAGGCCT-1\nAAACCTGAGAAGGCCT-2\n",
        "empty": banner + "0 0 0\n",
        "crlf": (banner + "1 1 1\n1 1 0").replace("\n", "\r\n") + "\0a\tb\r\n\r\nc",
        "capitals": banner.upper().replace("%%MATRIXMARKET", "%%MatrixMarket") + "% c\n\n 1\t1 1 \n1  1\t1\n",
    })
    attacks = {
        "nothing": "",
        "banner-alone": banner,
        "array": "%%MatrixMarket matrix array real general\n1 1\n1\n",
        "pattern": "%%MatrixMarket matrix coordinate pattern general\n1 1 1\n1 1\n",
        "symmetric": banner.replace("general", "symmetric") + "1 1 1\n1 1 1\n",
        "no-banner": "1 1 1\n1 1 1\n",
        "size-negative": banner + "-1 1 1\n",
        "size-wraps": banner + "18446744073709551617 1 1\n1 1 1\n",
        "size-beyond-int": banner + "3000000000 1 1\n3000000000 1 1\n",
        "size-product-wraps": banner + "2147483646 2147483646 4611686018427387904\n",
        "size-short": banner + "1 1\n",
        "more-than-fit": banner + "2 2 5\n" + "1 1 1\n" * 5,
        "too-many": banner + "2 2 1\n1 1 1\n1 2 1\n",
        "too-few": banner + "2 2 2\n1 1 1\n",
        "row-zero": banner + "2 2 1\n0 1 1\n",
        "row-beyond": banner + "2 2 1\n3 1 1\n",
        "column-beyond": banner + "2 2 1\n1 3 1\n",
        "column-wraps": banner + "2 2 1\n1 4294967297 1\n",
        "value-negative": banner + "1 1 1\n1 1 -1\n",
        "value-fraction": banner + "1 1 1\n1 1 1.5\n",
        "value-nan": real + "1 1 1\n1 1 nan\n",
        "value-infinite": real + "1 1 1\n1 1 1e39\n",
        "value-missing": banner + "1 1 1\n1 1\n",
        "value-more": banner + "1 1 1\n1 1 1 1\n",
        "table-no-name": banner + "0 0 0\n\0a\n\tb\n",
        "table-not-utf8": (banner + "0 0 0\n\0").encode() + b"a\xff\n",
        "table-zero": banner + "0 0 0\n\0a\0b\n",
    }
    write("attacks", "tenx", attacks)

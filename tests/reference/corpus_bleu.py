"""sacrebleu's tokens and corpus BLEU, with its defaults, of made-up texts: FOLDER/tokens.json and FOLDER/corpora.json."""
import argparse
import json
import pathlib
import random

import sacrebleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

PIECES = ["cell", "T", "B", "CD8", "1", "2.5", "1,000", "3-4", "-", "--", ".", ",", "..", "'", "don't", "(a)", "[b]", "x/y",
          "&amp;", "&quot;", "&lt;b&gt;", "&amp;lt;", "&", "<skipped>", "-\n", "\n", "\t", "é", "β", "日本", "\u00a0",
          "\u2003", "\u3000", "5-", "-5", ".5", "5.", ",5", "a.b", "a,b", "~", "`", "^_", "@", "100%", "$", ";:", "!?", "\"",
          "{|}", "+=", "*", "\\", "#", "alpha-beta", "e\u0301"]


def text(rng, most):
    glue = rng.choice(["", " ", " ", " "])
    return glue.join(rng.choice(PIECES) for _ in range(rng.randint(0, most)))


def changed(rng, words):
    return " ".join(word if rng.random() < 0.8 else rng.choice(PIECES) for word in words.split(" "))


def corpus(rng):
    most = rng.choice([1, 3, 5, 40])
    references = [text(rng, most) for _ in range(rng.choice([1, 2, 10, 60]))]
    close = rng.random() < 0.7
    hypotheses = [changed(rng, one) if close else text(rng, most) for one in references]
    score = sacrebleu.corpus_bleu(hypotheses, [references]).score / 100
    return {"references": references, "hypotheses": hypotheses, "score": score}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    tokenizer = Tokenizer13a()
    texts = [text(rng, 12) for _ in range(3000)] + ["".join(rng.choice(PIECES) for _ in range(4000))]
    tokens = [{"text": one, "tokens": tokenizer(one).split()} for one in texts]
    (args.folder / "tokens.json").write_text(json.dumps(tokens))
    (args.folder / "corpora.json").write_text(json.dumps([corpus(rng) for _ in range(200)]))


if __name__ == "__main__":
    main()

"""BLEU by nltk and ROUGE by rouge_score of made-up text pairs, as FOLDER/pairs.jsonl.

Each line holds reference, prediction and the scores; timing.json holds the pairs per second of both packages
together on pairs of 70 words.
"""
import argparse
import json
import pathlib
import random
import time

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_score import rouge_scorer

SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u0085", "\x1c", "\u2028", "\u1680"]
ODD = [
    "", " ", "\n", ".", "a", "A", "a a a a a", "İstanbul KELVIN \u212a \u0130\u0130", "naïve café", "日本 語 日本",
    "\u200b", "x\u200by", "\ufeff", "a\u00a0b", "e\u0301", "α-β T", "T-cell, T cell", "1,234.5", "don't stop",
    "👩‍🔬 cell", "ß SS ẞ ﬁ", "\u2008", "\u2010", "\u2011x", "\u202f", "\u205fz", "\u2000\u200a\u200b",
]


def word(rng):
    return "".join(rng.choice("abcdeABCDE019-,.'éβ\u212a\u0130") for _ in range(rng.randint(1, 8)))


def salad(rng, words, length):
    return [rng.choice(words) for _ in range(length)]


def damaged(rng, tokens, words, share):
    out = []
    for token in tokens:
        if rng.random() >= share:
            out.append(token)
            continue
        kind = rng.randrange(4)
        if kind == 0:
            out.append(rng.choice(words))
        elif kind == 1:
            out += [token, rng.choice(words)]
        elif kind == 2:
            out += [token, token]
    return out


def joined(rng, tokens):
    if rng.random() < 0.7:
        return " ".join(tokens)
    return "".join(token + rng.choice(SPACES) for token in tokens)


def make_pairs(rng):
    pairs = [(a, b) for a in ODD for b in ODD]
    for _ in range(400):
        words = [word(rng) for _ in range(rng.choice([1, 2, 5, 30, 400]))]
        reference = salad(rng, words, rng.choice([1, 2, 3, 4, 5, 20, 63, 64, 65, 130]))
        if rng.random() < 0.6:
            prediction = damaged(rng, reference, words, rng.choice([0, 0.05, 0.3, 0.9]))
        else:
            prediction = salad(rng, words, rng.choice([1, 2, 3, 4, 5, 20, 63, 64, 65, 130]))
        pairs.append((joined(rng, reference), joined(rng, prediction)))
    for letters in ("ab", "abcdefghij    ", "cell T B alpha beta "):
        a = "".join(rng.choice(letters) for _ in range(10000))
        b = "".join(rng.choice(letters) for _ in range(10000))
        pairs += [(a, b), (a, a[3000:] + b[:3000]), (a, "cell")]
    long = salad(rng, ["x", "y", "z"], 1500)
    pairs.append((" ".join(long), " ".join(damaged(rng, long, ["x", "y", "z"], 0.4))))
    return pairs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    smooth = SmoothingFunction().method4
    rouge = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)

    def score(reference, prediction):
        words = [reference.split()], prediction.split()
        return {
            "bleu_2": float(sentence_bleu(*words, weights=(0.5, 0.5), smoothing_function=smooth)),
            "bleu_4": float(sentence_bleu(*words, weights=(0.25,) * 4, smoothing_function=smooth)),
            **{kind: list(one) for kind, one in rouge.score(reference, prediction).items()},
        }

    with open(args.folder / "pairs.jsonl", "w", encoding="utf-8") as out:
        for reference, prediction in make_pairs(rng):
            line = {"reference": reference, "prediction": prediction, **score(reference, prediction)}
            out.write(json.dumps(line, ensure_ascii=rng.random() < 0.5) + "\n")

    words = ["w%d" % i for i in range(300)]
    pairs = []
    for _ in range(300):
        tokens = salad(rng, words, 70)
        pairs.append((" ".join(tokens), " ".join(t if rng.random() < 0.75 else rng.choice(words) for t in tokens)))
    start = time.process_time()
    for pair in pairs:
        score(*pair)
    rate = len(pairs) / (time.process_time() - start)
    (args.folder / "timing.json").write_text(json.dumps({"pairs_per_s": rate, "pairs": pairs}))


if __name__ == "__main__":
    main()

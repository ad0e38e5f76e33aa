"""The peer of bench_overlap: BLEU by nltk and ROUGE by rouge-score of all pairs of a file, once. Prints one JSON object.

  peer_overlap.py PAIRS.json
"""
import json
import pathlib
import sys

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_score import rouge_scorer

from stamps import lap, stamp


def main(pairs):
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    smoothing = SmoothingFunction().method4
    names = {"bleu_2": [], "bleu_4": [], "rouge_1_f": [], "rouge_2_f": [], "rouge_l_f": []}
    since = stamp()
    for reference, prediction in pairs:
        words, predicted = reference.split(), prediction.split()
        for n in (2, 4):
            names[f"bleu_{n}"].append(sentence_bleu([words], predicted, weights=[1 / n] * n,
                                                    smoothing_function=smoothing))
        rouge = scorer.score(reference, prediction)
        for ours, theirs in (("rouge_1_f", "rouge1"), ("rouge_2_f", "rouge2"), ("rouge_l_f", "rougeL")):
            names[ours].append(rouge[theirs].fmeasure)
    spent = lap(since)
    words = sum(len(reference.split()) for reference, _ in pairs) / len(pairs)
    print(json.dumps({"repeats": [spent], "pairs": len(pairs), "scores": names, "words": words}))


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text()))

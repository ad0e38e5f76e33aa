"""Ids and texts by the `tokenizers` library, as FOLDER/NAME/{tokenizer.json,encode.jsonl,decode.jsonl}.

NAME is `demo` (data/demo/tokenizer) or `random` (trained here, all its settings drawn). encode.jsonl: hex bytes of a
text, ids without and with the post-processor, ids with special tokens as plain text. decode.jsonl: ids and the hex
bytes of their text without and with special tokens.
"""
import argparse
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tokenizer_texts import ROOT, ontology_texts, random_text, texts_for, write_cases

PATTERNS = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
              r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "possessive": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
                  r"|\s*[\r\n]|\s+(?!\S)|\s+",
    "cased": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re)?"
             r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"
             r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    "digits": r"\p{N}",
}


def random_tokenizer(rng, texts, folder):
    tokenizer = Tokenizer(models.BPE(ignore_merges=rng.random() < 0.5))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=rng.random() < 0.5, use_regex=True)
    names = rng.choice([[], ["llama3"], ["possessive"], ["cased"], ["digits"], ["digits", "llama3"], ["gpt2", "digits"]])
    if names:
        byte_level.use_regex = rng.random() < 0.3
        splits = [pre_tokenizers.Split(Regex(PATTERNS[name]), "isolated") for name in names]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, byte_level])
    else:
        tokenizer.pre_tokenizer = byte_level
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    size = rng.choice([260, 400, 1500, 3000])
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    # Repeats and noise make merges beyond those of English words.
    noise = [random_text(rng, texts, ["x"]) for _ in range(300)]
    tokenizer.train_from_iterator(rng.sample(texts, 1500) + noise * 3 + ["ab" * 60, "a" * 90, "        \n\n"] * 20, trainer)
    contents = ["<s>", "</s>", "<mask>", "<|x|>", "<|x|>y", "é€", "foo bar", "s", " the", "<s><s>"]
    for content in rng.sample(contents, rng.randint(2, len(contents))):
        flags = {flag: rng.random() < 0.3 for flag in ("lstrip", "rstrip", "normalized", "single_word")}
        token = AddedToken(content, special=rng.random() < 0.6, **flags)
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    added = sorted(tokenizer.get_added_tokens_decoder().items())
    first, last = ((token.content, number) for number, token in (added[0], added[-1]))
    template = processors.TemplateProcessing(single=f"$A {last[0]}" if " " not in last[0] else "$A",
                                             special_tokens=[last])
    both = processors.TemplateProcessing(single=[first[0], "$A", last[0], first[0]], special_tokens=[first, last])
    chosen = rng.randrange(5)
    if chosen:
        tokenizer.post_processor = [processors.ByteLevel(trim_offsets=False), template, both,
                                    processors.Sequence([processors.ByteLevel(), both])][chosen - 1]
    saved = json.loads(tokenizer.to_str())
    merges = saved["model"]["merges"]
    if rng.random() < 0.5:
        merges.append(merges[rng.randrange(len(merges))])  # of two equal merges the last counts
    if rng.random() < 0.5:
        saved["model"]["merges"] = [" ".join(pair) for pair in merges]
    (folder / "tokenizer.json").write_text(json.dumps(saved, ensure_ascii=rng.random() < 0.5), encoding="utf-8")
    return [token.content for _, token in added]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    ontology = list(ontology_texts())
    for name in ("demo", "random"):
        folder = arguments.folder / name
        folder.mkdir()
        if name == "demo":
            data = (ROOT / "data/demo/tokenizer/tokenizer.json").read_bytes()
            (folder / "tokenizer.json").write_bytes(data)
            special = [token["content"] for token in json.loads(data)["added_tokens"]]
        else:
            special = random_tokenizer(rng, ontology, folder)
        write_cases(rng, folder, texts_for(rng, ontology, special, 10_000 if name == "demo" else 2500))


if __name__ == "__main__":
    main()

"""Ids and texts of real tokenizer.model files: FOLDER/NAME/{encode.jsonl,decode.jsonl}, as tokenizer.py writes them.

`--tiktoken FILE`: `llama3` by tiktoken, and beside it llama3-converted/tokenizer.json as the `tokenizers` library has
it, with its cases. `--sentencepiece FILE`: `llama2` by the sentencepiece package; without a file, `gemma` is trained
here: a SentencePiece model of Gemma's settings, FOLDER/gemma/tokenizer.model. These have `plain` only, and tokens that
name a role are left out of decoded texts.
"""
import argparse
import json
import pathlib
import random

from tokenizer_texts import ontology_texts, texts_for, write_cases

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
NAMED = ["begin_of_text", "end_of_text", "reserved_special_token_0", "reserved_special_token_1", "finetune_right_pad_id",
         "reserved_special_token_2", "start_header_id", "end_header_id", "eom_id", "eot_id", "python_tag"]
ROLES = ["<mask>", "<start_of_turn>", "<end_of_turn>"]
SPECIAL = [f"<|{name}|>" for name in NAMED] + [f"<|reserved_special_token_{i}|>" for i in range(3, 248)]


def write(folder, cases, decode, ids_in_use, rng):
    folder.mkdir(exist_ok=True)
    runs = [case["plain"] for case in cases]
    runs += [[rng.choice(ids_in_use) for _ in range(rng.randrange(12))] for _ in range(1000)]
    with open(folder / "encode.jsonl", "w") as out:
        out.writelines(json.dumps(case) + "\n" for case in cases)
    with open(folder / "decode.jsonl", "w") as out:
        out.writelines(json.dumps({"ids": ids, "kept": decode(ids).encode().hex()}) + "\n" for ids in runs)


def llama3(file, folder, texts, rng):
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    from transformers.convert_slow_tokenizer import TikTokenConverter
    ranks = load_tiktoken_bpe(str(file))
    special = {name: len(ranks) + i for i, name in enumerate(SPECIAL)}
    encoding = tiktoken.Encoding("llama3", pat_str=LLAMA3, mergeable_ranks=ranks, special_tokens=special)
    cases = []
    for raw in texts:
        text = raw.decode("utf-8", "replace")
        cases.append({"bytes": raw.hex(), "ids": encoding.encode(text, allowed_special="all"),
                      "plain": encoding.encode(text, disallowed_special=())})
    decode = lambda ids: encoding.decode([i for i in ids if i < len(ranks)])
    write(folder / "llama3", cases, decode, range(len(ranks) + 256), rng)
    converted = folder / "llama3-converted"
    converted.mkdir()
    converter = TikTokenConverter(vocab_file=str(file), pattern=LLAMA3, extra_special_tokens=SPECIAL)
    tokenizer = converter.converted()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(converted / "tokenizer.json"))
    write_cases(rng, converted, texts)


def pieces(file, folder, texts, rng):
    import sentencepiece
    model = sentencepiece.SentencePieceProcessor(model_file=str(file))
    cases = []
    for raw in texts:
        ids = model.encode(raw.decode("utf-8", "replace"))
        cases.append({"bytes": raw.hex(), "plain": ids})
    roles = [i for i in range(model.get_piece_size()) if model.id_to_piece(i) in ROLES]
    decode = lambda ids: model.decode([i for i in ids if i not in roles])
    write(folder, cases, decode, range(model.get_piece_size()), rng)


def train_gemma(folder, ontology):
    import sentencepiece
    (folder / "texts").write_text("\n".join(ontology[:3000] + ["日本語 é ß 1 2 3 4 5 6 7 8 9 0"] * 5), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "texts"), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=1200,
        byte_fallback=True, split_digits=True, add_dummy_prefix=False, remove_extra_whitespaces=False,
        normalization_rule_name="identity", allow_whitespace_only_pieces=True, character_coverage=0.99, pad_id=0,
        eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>", minloglevel=2,
        user_defined_symbols=[*ROLES, "\n", "\n\n", "▁▁", "▁▁▁", "<table>"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--tiktoken", type=pathlib.Path)
    parser.add_argument("--sentencepiece", type=pathlib.Path)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    ontology = list(ontology_texts())
    if arguments.tiktoken:
        llama3(arguments.tiktoken, arguments.folder, texts_for(rng, ontology, SPECIAL[:12]), rng)
    elif arguments.sentencepiece:
        folder = arguments.folder / "llama2"
        folder.mkdir()
        pieces(arguments.sentencepiece, folder, texts_for(rng, ontology, ["s>", "[INST]", "<unk", "<0x0A>"]), rng)
    else:
        folder = arguments.folder / "gemma"
        folder.mkdir()
        train_gemma(folder, ontology)
        pieces(folder / "tokenizer.model", folder, texts_for(rng, ontology, ["<table>", "<td", "\n\n\n"]), rng)


if __name__ == "__main__":
    main()

"""Random Llama models with what transformers computes on them: logits, gradients, greedy and beam tokens, chat prompts.

Each case is a folder `case-N` with `model/` (a Hugging Face folder), `expected.safetensors` and `expected.json`.
"""
import argparse
import json
import pathlib
import random
import warnings

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils.logging import disable_progress_bar

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--cases", type=int, default=6)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)
torch.set_num_threads(1)
warnings.simplefilter("ignore")
disable_progress_bar()

SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
           "<|reserved_special_token_1|>"]


def make_tokenizer(path):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(["A cell of the blood system assistant user describe the cells of the sentence"] * 9, trainer)
    tokenizer.save(str(path))
    return tokenizer


def make_config(case, vocabulary, ends):
    kv_heads = rng.choice([1, 2, 3])
    heads = kv_heads * rng.choice([1, 2, 3])
    channels = 2 * rng.randint(3, 10)
    rope = [{"rope_type": "default"}, {"rope_type": "linear", "factor": rng.uniform(1.5, 8)},
            {"rope_type": "llama3", "factor": rng.uniform(4, 32), "low_freq_factor": 1.0, "high_freq_factor": 4.0,
             "original_max_position_embeddings": rng.choice([16, 64, 256])}][case % 3]
    own_width = case % 2 == 1  # the heads' channels do not make up the width
    return LlamaConfig(
        vocab_size=vocabulary + rng.choice([0, 7]), hidden_size=heads * (channels + 2 if own_width else channels),
        head_dim=channels if own_width else None, intermediate_size=rng.randint(20, 90),
        num_hidden_layers=rng.randint(1, 3), num_attention_heads=heads, num_key_value_heads=kv_heads,
        rms_norm_eps=rng.choice([1e-5, 1e-6]), tie_word_embeddings=case % 2 == 0, attention_bias=case % 4 in (1, 2),
        mlp_bias=case % 4 in (2, 3), rope_parameters={"rope_theta": rng.choice([500.0, 10000.0, 500000.0]), **rope},
        bos_token_id=0, eos_token_id=ends, max_position_embeddings=512)


def widen(model):
    """Weights large enough that the best token is usually clear."""
    for name, value in model.named_parameters():
        if "norm" in name:
            value.data = 1 + 0.2 * torch.randn_like(value)
        elif name.endswith("bias"):
            value.data = 0.3 * torch.randn_like(value)
        elif "embed_tokens" in name:
            value.data = torch.randn_like(value) * (0.5 if model.config.tie_word_embeddings else 1)
        else:
            value.data = torch.randn_like(value) * (2 if "lm_head" in name else 1.2) / value.shape[1] ** 0.5


def greedy_gaps(scores, tokens):
    """Per step, the distance of the best token from the next one."""
    gaps = []
    for step in scores:
        best = step.topk(2, -1).values
        gaps.append((best[:, 0] - best[:, 1]).tolist())
    return [list(row) for row in zip(*gaps)]


def watch_beams(model, beams, ends):
    """Notes per row the smallest distance that any step had between what was kept and what was dropped."""
    smallest = []
    original = type(model)._get_top_k_continuations

    def watched(self, accumulated_log_probs, **kwargs):
        nonlocal smallest
        rows = []
        for row in accumulated_log_probs:
            best = row.topk(min(len(row), kwargs["beams_to_keep"] + beams))
            ending = torch.isin(best.indices % (len(row) // beams), torch.tensor(ends))
            going_on = best.values[~ending]
            distances = [(best.values[beams - 1] - best.values[beams]).item()]
            if len(going_on) > beams:
                distances.append((going_on[beams - 1] - going_on[beams]).item())
            rows.append(min(distances))
        smallest = [min(pair) for pair in zip(smallest, rows)] if smallest else rows
        return original(self, accumulated_log_probs=accumulated_log_probs, **kwargs)

    model._get_top_k_continuations = watched.__get__(model)
    return lambda: smallest


def cut(tokens, ends):
    for i, token in enumerate(tokens):
        if token in ends:
            return tokens[:i], True
    return tokens, False


def generate(model, prompts, lengths, ends, settings):
    width = max(lengths)
    padded = torch.zeros(len(lengths), width, prompts.shape[-1])
    mask = torch.zeros(len(lengths), width, dtype=torch.long)
    for b, length in enumerate(lengths):
        padded[b, width - length:] = prompts[b, :length]
        mask[b, width - length:] = 1
    beams = settings["beams"]
    gaps_of_beams = watch_beams(model, beams, ends) if beams > 1 else None
    out = model.generate(inputs_embeds=padded, attention_mask=mask, do_sample=False, num_beams=beams,
                         max_new_tokens=settings["max_new_tokens"], eos_token_id=ends, pad_token_id=1,
                         early_stopping=settings["early_stopping"] if beams > 1 else None,
                         length_penalty=settings["length_penalty"] if beams > 1 else None,
                         no_repeat_ngram_size=settings["no_repeat_ngram_size"], return_dict_in_generate=True,
                         output_scores=True)
    gaps = None
    if beams > 1:
        del model._get_top_k_continuations
    else:
        gaps = greedy_gaps(out.scores, out.sequences)
    rows = []
    for b, sequence in enumerate(out.sequences.tolist()):
        tokens, ended = cut(sequence[: settings["max_new_tokens"]], ends)
        row = {"tokens": tokens, "ended": ended}
        if beams > 1:
            length = len(tokens) + ended
            row["log_probability"] = out.sequences_scores[b].item() * length ** settings["length_penalty"]
            row["smallest_gap"] = gaps_of_beams()[b]
        else:
            row["gaps"] = gaps[b][: len(tokens) + ended]
        rows.append(row)
    return rows


def chat_pieces(tokenizer, system, user):
    text = ("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
            "Today Date: 26 Jul 2024\n\n" + system + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n" + user +
            "<|reserved_special_token_1|><|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    place = ids.index(tokenizer.token_to_id("<|reserved_special_token_1|>"))
    return {"system": system, "user": user, "before": ids[:place], "after": ids[place + 1:]}


for case in range(args.cases):
    folder = args.folder / f"case-{case}"
    (folder / "model").mkdir(parents=True)
    tokenizer = make_tokenizer(folder / "model" / "tokenizer.json")
    vocabulary = tokenizer.get_vocab_size()
    ends = [tokenizer.token_to_id("<|eot_id|>"), tokenizer.token_to_id("<|end_of_text|>")]
    ends += rng.sample(range(len(SPECIAL), vocabulary), 40)
    config = make_config(case, vocabulary, ends)
    model = LlamaForCausalLM(config).eval()
    widen(model)
    model.generation_config.eos_token_id = ends
    model.save_pretrained(folder / "model", max_shard_size="60KB" if case == 0 else "1GB")

    lengths = [rng.randint(1, 14) for _ in range(4)]
    prompts = torch.randn(len(lengths), max(lengths), config.hidden_size)
    positions = torch.arange(max(lengths)).expand(len(lengths), -1)
    mask = (positions < torch.tensor(lengths)[:, None]).long()
    targets = torch.randint(0, config.vocab_size, positions.shape)
    ids = torch.randint(0, config.vocab_size, positions.shape)
    read = prompts + model.get_input_embeddings()(ids)
    logits = model(inputs_embeds=read, attention_mask=mask, position_ids=positions).logits
    loss = torch.nn.functional.cross_entropy(logits[mask.bool()], targets[mask.bool()])
    loss.backward()
    tensors = {"prompts": prompts, "ids": ids, "targets": targets, "logits": logits.detach(), "loss": loss.detach()}
    for name, value in model.named_parameters():
        tensors["gradient." + name] = value.grad
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "expected.safetensors")

    generations = []
    with torch.no_grad():
        for beams, more in [(1, {}), (1, {"no_repeat_ngram_size": 2}), (4, {}), (4, {"early_stopping": False}),
                            (3, {"length_penalty": rng.choice([0.0, 0.5, 2.0]), "no_repeat_ngram_size": 2})]:
            settings = {"beams": beams, "max_new_tokens": 30, "early_stopping": True, "length_penalty": 1.0,
                        "no_repeat_ngram_size": 0, **more}
            generations.append({"settings": settings, "rows": generate(model, prompts, lengths, ends, settings)})
    chat = chat_pieces(tokenizer, "Describe the cells of the blood.", "Sentence: ")
    (folder / "expected.json").write_text(json.dumps({"lengths": lengths, "ends": ends, "generations": generations, "chat": chat}))

"""Random decoders with what transformers computes on them: logits, gradients, greedy and beam tokens, chat prompts.

Each case is a folder `case-N` with `model/` (a Hugging Face folder), `expected.safetensors` and `expected.json`; beside
`model/` the same weights in other forms: `bin/` (torch.save), `bfloat16/` (rounded), and of Gemma 3 `old/` and `new/`
(inside of a vision-language model, the two layouts in use).
"""
import argparse
import copy
import json
import pathlib
import random
import shutil
import warnings

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (Gemma2Config, Gemma2ForCausalLM, Gemma3Config,
                          Gemma3ForConditionalGeneration, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig,
                          LlamaForCausalLM)
from transformers.utils.logging import disable_progress_bar

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--family", choices=["llama", "gemma"], default="llama")
parser.add_argument("--cases", type=int, default=6)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)
torch.set_num_threads(1)
warnings.simplefilter("ignore")
disable_progress_bar()

SPECIAL = {"llama": ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                     "<|reserved_special_token_1|>"],
           "gemma": ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<unused0>"]}[args.family]
ENDS = {"llama": ["<|eot_id|>", "<|end_of_text|>"], "gemma": ["<end_of_turn>", "<eos>"]}[args.family]
SOFT = SPECIAL[-1]


def make_tokenizer(path):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(["A cell of the blood system assistant user describe the cells of the sentence"] * 9, trainer)
    tokenizer.save(str(path))
    return tokenizer


def rope_of(case):
    return [{"rope_type": "default"}, {"rope_type": "linear", "factor": rng.uniform(1.5, 8)},
            {"rope_type": "llama3", "factor": rng.uniform(4, 32), "low_freq_factor": 1.0, "high_freq_factor": 4.0,
             "original_max_position_embeddings": rng.choice([16, 64, 256])}][case % 3]


def sizes_of(case, vocabulary):
    kv_heads = rng.choice([1, 2, 3])
    heads = kv_heads * rng.choice([1, 2, 3])
    channels = 2 * rng.randint(3, 10)
    own_width = case % 2 == 1  # the heads' channels do not make up the width
    per_head = channels + 2 if own_width else channels
    if args.family == "gemma":  # of few features, normalised again and again, bfloat16 leaves too little
        per_head = max(per_head, -(-64 // heads))
    return {"vocab_size": vocabulary + rng.choice([0, 7]), "num_attention_heads": heads, "head_dim": channels,
            "hidden_size": heads * per_head, "num_key_value_heads": kv_heads,
            "intermediate_size": rng.randint(20, 90), "rms_norm_eps": rng.choice([1e-5, 1e-6]),
            "tie_word_embeddings": case % 2 == 0, "max_position_embeddings": 512}


def make_llama(case, vocabulary, ends):
    sizes = sizes_of(case, vocabulary)
    if case % 2 == 0:
        sizes["head_dim"] = None
    return LlamaForCausalLM(LlamaConfig(
        **sizes, num_hidden_layers=rng.randint(1, 3), attention_bias=case % 4 in (1, 2), mlp_bias=case % 4 in (2, 3),
        rope_parameters={"rope_theta": rng.choice([500.0, 10000.0, 500000.0]), **rope_of(case)}, bos_token_id=0,
        eos_token_id=ends))


def make_gemma(case, vocabulary, ends):
    sizes = sizes_of(case, vocabulary) | {"bos_token_id": 2, "eos_token_id": ends, "pad_token_id": 0}
    layers = rng.randint(2, 5)
    window = rng.choice([2, 3, 5, 9])  # transformers 5.23 keeps all keys of a window of 1 when it generates
    scalar = rng.choice([7, 16, 40])
    if case % 3 == 2:
        return Gemma2ForCausalLM(Gemma2Config(
            **sizes, num_hidden_layers=layers, sliding_window=window, query_pre_attn_scalar=scalar,
            attn_logit_softcapping=rng.choice([None, 2.0, 5.0]), final_logit_softcapping=rng.choice([None, 8.0, 15.0]),
            rope_parameters={"rope_theta": 10000.0, "rope_type": "default"}, attn_implementation="eager"))
    kinds = ["sliding_attention", "full_attention"]
    return Gemma3ForCausalLM(Gemma3TextConfig(
        **sizes, num_hidden_layers=layers, sliding_window=window, query_pre_attn_scalar=scalar,
        attention_bias=case % 4 == 1, layer_types=kinds if layers == 2 else [rng.choice(kinds) for _ in range(layers)],
        rope_parameters={"full_attention": {"rope_theta": rng.choice([10000.0, 1000000.0]), **rope_of(case // 2)},
                         "sliding_attention": {"rope_theta": rng.choice([100.0, 10000.0]), "rope_type": "default"}}))


def older_config(path):
    """Rewrites a config.json in the spelling before transformers 5."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    parts = rope if "full_attention" in rope else {"full_attention": rope}
    full = dict(parts["full_attention"])
    config["rope_theta"] = full.pop("rope_theta")
    if "sliding_attention" in parts:
        config["rope_local_base_freq"] = parts["sliding_attention"]["rope_theta"]
    kind = full.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **full}
    path.write_text(json.dumps(config))


def widen(model):
    """Weights large enough that the best token is usually clear."""
    for name, value in model.named_parameters():
        if "norm" in name:
            value.data = (args.family == "llama") + 0.2 * torch.randn_like(value)
        elif name.endswith("bias"):
            value.data = 0.3 * torch.randn_like(value)
        elif "embed_tokens" in name:
            scale = value.shape[1] ** -0.5 if args.family == "gemma" else 1
            value.data = torch.randn_like(value) * (0.5 if model.config.tie_word_embeddings else 1) * max(scale, 0.3)
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
    if args.family == "llama":
        text = ("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
                "Today Date: 26 Jul 2024\n\n" + system + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n" +
                user + SOFT + "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n")
    else:
        text = ("<bos><start_of_turn>user\n" + system + "\n\n" + user + SOFT +
                "<end_of_turn>\n<start_of_turn>model\n")
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    place = ids.index(tokenizer.token_to_id(SOFT))
    return {"system": system, "user": user, "before": ids[:place], "after": ids[place + 1:]}


def other_forms(model, folder):
    """The same weights in files of other kinds. Returns the expected values of the rounded ones."""
    with_tied = {name: value.detach().clone() for name, value in model.state_dict().items()}
    for kind in ["bin", "bins"]:
        shutil.copytree(folder / "model", folder / kind, ignore=shutil.ignore_patterns("*.safetensors*"))
    if model.config.tie_word_embeddings:
        with_tied["lm_head.weight"] = with_tied["model.embed_tokens.weight"]
    torch.save(with_tied, folder / "bin" / "pytorch_model.bin")
    names = sorted(with_tied)
    halves = {"pytorch_model-00001-of-00002.bin": names[::2], "pytorch_model-00002-of-00002.bin": names[1::2]}
    for file, part in halves.items():
        torch.save({name: with_tied[name] for name in part}, folder / "bins" / file)
    (folder / "bins" / "pytorch_model.bin.index.json").write_text(json.dumps(
        {"metadata": {}, "weight_map": {name: file for file, part in halves.items() for name in part}}))
    if args.family == "gemma" and model.config.model_type == "gemma3_text":
        inside_of_images(model, folder)

    # With parts that add as much as above, transformers itself in bfloat16 is up to 10% away from itself in float32.
    rounded = copy.deepcopy(model)  # .to(bfloat16) would round the rotary frequencies as well
    for name, value in rounded.named_parameters():
        quieter = value.data * 0.4 if "_proj" in name else value.data
        if args.family == "gemma" and ".post_" in name:
            quieter = quieter - 0.6
        value.data = quieter.bfloat16().float()
    copy.deepcopy(rounded).to(torch.bfloat16).save_pretrained(folder / "bfloat16")
    shutil.copy(folder / "model" / "tokenizer.json", folder / "bfloat16")
    narrow = type(model).from_pretrained(folder / "bfloat16", dtype=torch.bfloat16,
                                         attn_implementation=model.config._attn_implementation).eval()
    embed = rounded.get_input_embeddings()
    if hasattr(embed, "embed_scale"):
        embed.embed_scale = torch.tensor(embed.scalar_embed_scale).bfloat16().float()
    return narrow, rounded


def inside_of_images(model, folder):
    """The text model inside of a vision-language model, in the layouts before and since transformers 4.52."""
    vision = {"model_type": "siglip_vision_model", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 28, "patch_size": 14}
    config = Gemma3Config(text_config=model.config.to_dict(), vision_config=vision, mm_tokens_per_image=4,
                          tie_word_embeddings=model.config.tie_word_embeddings)
    whole = Gemma3ForConditionalGeneration(config)
    whole.model.language_model.load_state_dict(model.model.state_dict())
    if not model.config.tie_word_embeddings:
        whole.lm_head.load_state_dict(model.lm_head.state_dict())
    for kind in ["old", "new"]:
        (folder / kind).mkdir()
        config.save_pretrained(folder / kind)
        shutil.copy(folder / "model" / "tokenizer.json", folder / kind)
        state = {}
        for name, value in whole.state_dict().items():
            if name == "lm_head.weight":
                if model.config.tie_word_embeddings:
                    continue
                name = "language_model.lm_head.weight" if kind == "old" else name
            elif kind == "old":
                name = name.removeprefix("model.").replace("language_model.", "language_model.model.", 1)
            state[name] = value.contiguous().clone()
        save_file(state, folder / kind / "model.safetensors", {"format": "pt"})


for case in range(args.cases):
    folder = args.folder / f"case-{case}"
    (folder / "model").mkdir(parents=True)
    tokenizer = make_tokenizer(folder / "model" / "tokenizer.json")
    vocabulary = tokenizer.get_vocab_size()
    ends = [tokenizer.token_to_id(name) for name in ENDS]
    ends += rng.sample(range(len(SPECIAL), vocabulary), 40)
    model = {"llama": make_llama, "gemma": make_gemma}[args.family](case, vocabulary, ends).eval()
    config = model.config
    widen(model)
    model.generation_config.eos_token_id = ends
    model.save_pretrained(folder / "model", max_shard_size="60KB" if case == 0 else "1GB")
    if case % 2 == 1:
        older_config(folder / "model" / "config.json")

    lengths = [rng.randint(1, 14) for _ in range(4)]
    prompts = torch.randn(len(lengths), max(lengths), config.hidden_size).bfloat16().float()
    positions = torch.arange(max(lengths)).expand(len(lengths), -1)
    mask = (positions < torch.tensor(lengths)[:, None]).long()
    targets = torch.randint(0, config.vocab_size, positions.shape)
    ids = torch.randint(1, config.vocab_size, positions.shape)  # the padding token's row, 0 in Gemma, gets no gradient there
    read = prompts + model.get_input_embeddings()(ids)
    logits = model(inputs_embeds=read, attention_mask=mask, position_ids=positions).logits
    loss = torch.nn.functional.cross_entropy(logits[mask.bool()], targets[mask.bool()])
    loss.backward()
    tensors = {"prompts": prompts, "ids": ids, "targets": targets, "logits": logits.detach(), "loss": loss.detach()}
    for name, value in model.named_parameters():
        tensors["gradient." + name] = value.grad
    model.zero_grad()

    generations = []
    with torch.no_grad():
        narrow, rounded = other_forms(model, folder)
        tensors["rounded.embedded"] = rounded.get_input_embeddings()(ids)
        for name, kind in [("rounded", rounded), ("bfloat16", narrow)]:
            out = kind(inputs_embeds=prompts.to(kind.dtype), attention_mask=mask, position_ids=positions)
            tensors[name + ".logits"] = out.logits.float()
        save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "expected.safetensors")
        for beams, more in [(1, {}), (1, {"no_repeat_ngram_size": 2}), (4, {}), (4, {"early_stopping": False}),
                            (3, {"length_penalty": rng.choice([0.0, 0.5, 2.0]), "no_repeat_ngram_size": 2})]:
            settings = {"beams": beams, "max_new_tokens": 30, "early_stopping": True, "length_penalty": 1.0,
                        "no_repeat_ngram_size": 0, **more}
            generations.append({"settings": settings, "rows": generate(model, prompts, lengths, ends, settings)})
    chat = chat_pieces(tokenizer, "Describe the cells of the blood.", "Sentence: ")
    (folder / "expected.json").write_text(json.dumps({
        "lengths": lengths, "ends": ends, "generations": generations, "chat": chat, "model_type": config.model_type}))

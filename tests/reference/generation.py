"""A small random Llama of its own tokenizer, and what transformers generates from plain prompts: greedy, beams,
repetition penalty, n-gram ban, stop strings. Also the logits of each prompt and the log probability of each token."""
import argparse
import json
import pathlib
import random
import warnings

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)
torch.set_num_threads(1)
warnings.simplefilter("ignore")
disable_progress_bar()

SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
WORDS = "a cell of the blood and its neighbours express few genes while others express many of them".split()
model_folder = args.folder / "model"
model_folder.mkdir(parents=True)
raw = Tokenizer(models.BPE())
raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
raw.decoder = decoders.ByteLevel()
raw.train_from_iterator([" ".join(rng.choices(WORDS, k=9)) for _ in range(40)],
                        trainers.BpeTrainer(vocab_size=330, special_tokens=SPECIAL, show_progress=False,
                                            initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
raw.post_processor = processors.TemplateProcessing(single="<|begin_of_text|> $A",
                                                   special_tokens=[("<|begin_of_text|>", 0)])
tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>",
                                    clean_up_tokenization_spaces=False)
tokenizer.save_pretrained(model_folder)
vocabulary = len(tokenizer)
ends = [tokenizer.convert_tokens_to_ids("<|eot_id|>")] + rng.sample(range(len(SPECIAL), vocabulary), 6)
config = LlamaConfig(vocab_size=vocabulary, hidden_size=48, intermediate_size=80, num_hidden_layers=2,
                     num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False, bos_token_id=0,
                     eos_token_id=ends, max_position_embeddings=512)
model = LlamaForCausalLM(config).eval()
for name, value in model.named_parameters():  # wide, so that the best token is usually clear
    if "norm" not in name:
        wide = 1 if "embed" in name else (2 if "lm_head" in name else 1.2) / value.shape[1] ** 0.5
        value.data = torch.randn_like(value) * wide
model.generation_config.eos_token_id = ends
model.save_pretrained(model_folder)


def smallest_gap_of_beams(settings, ids):
    """The smallest distance that any step had between what was kept and what was dropped."""
    found, beams = [], settings["num_beams"]
    original = type(model)._get_top_k_continuations

    def watched(self, accumulated_log_probs, **kwargs):
        row = accumulated_log_probs[0]
        best = row.topk(min(len(row), kwargs["beams_to_keep"] + beams))
        going_on = best.values[~torch.isin(best.indices % (len(row) // beams), torch.tensor(ends))]
        found.append((best.values[beams - 1] - best.values[beams]).item())
        if len(going_on) > beams:
            found.append((going_on[beams - 1] - going_on[beams]).item())
        return original(self, accumulated_log_probs=accumulated_log_probs, **kwargs)

    model._get_top_k_continuations = watched.__get__(model)
    try:
        out = model.generate(ids, **settings)
    finally:
        del model._get_top_k_continuations
    return out, min(found)


def own_log_probabilities(sequence, start):
    logits = model(sequence[None]).logits[0].double().log_softmax(-1)
    return [logits[i - 1, sequence[i]].item() for i in range(start, len(sequence))]


cases, tensors = [], {}
choices = [{}, {"repetition_penalty": 1.3}, {"no_repeat_ngram_size": 2}, {"beams": 4},
           {"beams": 4, "repetition_penalty": 1.5}, {"beams": 3, "no_repeat_ngram_size": 2, "early_stopping": "never"},
           {"beams": 4, "early_stopping": False, "length_penalty": 2.0},
           {"beams": 2, "repetition_penalty": 0.8, "length_penalty": 0.0}, {"stop": True}, {"stop": True, "beams": 3}]
with torch.no_grad():
    for i, given in enumerate(choices):
        prompt = " ".join(rng.choices(WORDS, k=rng.randint(2, 7)))
        if i == 1:
            prompt = "<|start_header_id|>" + prompt + "<|end_header_id|>"
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        tensors[f"input_ids.{i}"] = ids[0]
        tensors[f"logits.{i}"] = model(ids).logits[0].clone()
        one = {"beams": 1, "early_stopping": True, "length_penalty": 1.0, "repetition_penalty": 1.0,
               "no_repeat_ngram_size": 0, "max_new_tokens": 24, **{k: v for k, v in given.items() if k != "stop"}}
        settings = {"num_beams": one["beams"], "do_sample": False, "pad_token_id": 1, "return_dict_in_generate": True,
                    "output_scores": True, **{k: one[k] for k in ("max_new_tokens", "repetition_penalty",
                                                                   "no_repeat_ngram_size")}}
        if one["beams"] > 1:
            settings |= {k: one[k] for k in ("early_stopping", "length_penalty")}
        if given.get("stop"):
            free = model.generate(ids, **settings).sequences[0, ids.shape[1]:]
            text = tokenizer.decode([t for t in free.tolist() if t not in ends])
            text = "".join(c if c.isascii() else " " for c in text)
            place = len(text) // 2  # transformers also finds them in the names of special tokens, which are no text here
            one["stop"] = [next((text[p:p + 2] for p in range(place, len(text) - 1) if text[p:p + 2].isascii()
                                 and text[p:p + 2].isprintable() and not set("<|>'") & set(text[p:p + 2])
                                 and not any(text[p:p + 2] in s for s in SPECIAL)), "no text")]
            settings |= {"stop_strings": one["stop"], "tokenizer": tokenizer}
        if one["beams"] > 1:
            out, gap = smallest_gap_of_beams(settings, ids)
        else:
            out = model.generate(ids, **settings)
            gap = min((s[0].topk(2).values[0] - s[0].topk(2).values[1]).item() for s in out.scores)
        sequence = out.sequences[0]
        new = sequence[ids.shape[1]:].tolist()
        for k, token in enumerate(new):
            if token in ends:
                new = new[: k + 1]
                break
        sequence = sequence[: ids.shape[1] + len(new)]
        cases.append({"prompt": prompt, "settings": one, "tokens": new, "gap": gap,
                      "text": tokenizer.decode([t for t in new if t not in ends], skip_special_tokens=True),
                      "log_probabilities": own_log_probabilities(sequence, ids.shape[1])})
save_file({k: v.contiguous() for k, v in tensors.items()}, args.folder / "expected.safetensors")
(args.folder / "cases.json").write_text(json.dumps({"ends": ends, "cases": cases}))

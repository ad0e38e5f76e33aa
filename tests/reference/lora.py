"""A tiny Llama with LoRA weights, by transformers and peft; and what they make of LoRA weights written elsewhere.

Without --check: `model/` is the base, `lora/` a PEFT folder on it with random weights, ranks and scales by pattern;
`expected.safetensors` has ids [B,T], their logits with the additions, and with them merged.
With --check DIR: DIR has `model/`, a PEFT folder `ours/` and a plain model `merged/`; their logits of DIR's ids become
`checked.safetensors` in the new folder. Any doubt of peft or transformers about the files is an error.
"""
import argparse
import json
import pathlib
import random
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from causal_model import letter_tokenizer

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--check", type=pathlib.Path)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)
torch.set_num_threads(1)
logging.disable_progress_bar()
warnings.filterwarnings("ignore", category=FutureWarning)


def logits(model, ids):
    with torch.no_grad():
        return model.eval()(ids).logits.contiguous()


if args.check:
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=FutureWarning)
    ids = load_file(args.check / "expected.safetensors")["ids"]
    base = AutoModelForCausalLM.from_pretrained(args.check / "model", dtype=torch.float32)
    ours = PeftModel.from_pretrained(base, args.check / "ours")
    config = json.loads((args.check / "ours" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(args.check / "model"), config
    held = {name.replace(".default", "") for name, _ in ours.named_parameters() if "lora_" in name}
    assert held == set(load_file(args.check / "ours" / "adapter_model.safetensors")), held
    result = {"ours": logits(ours, ids)}
    merged, report = AutoModelForCausalLM.from_pretrained(args.check / "merged", dtype=torch.float32,
                                                          output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    save_file(result | {"merged": logits(merged, ids)}, args.folder / "checked.safetensors")
    raise SystemExit

special = ["<|begin_of_text|>", "<|end_of_text|>"]
tokenizer = letter_tokenizer(special)
vocabulary = tokenizer.get_vocab_size()
heads, kv_heads = rng.choice([(4, 2), (4, 4), (6, 1)])
base = LlamaForCausalLM(LlamaConfig(
    vocab_size=vocabulary, hidden_size=heads * rng.choice([4, 6]), intermediate_size=rng.choice([20, 33]),
    num_hidden_layers=rng.choice([2, 3]), num_attention_heads=heads, num_key_value_heads=kv_heads,
    tie_word_embeddings=rng.random() < 0.5, attention_bias=rng.random() < 0.5, initializer_range=0.3,
    bos_token_id=tokenizer.token_to_id(special[0]), eos_token_id=tokenizer.token_to_id(special[1]),
    max_position_embeddings=128))
base.save_pretrained(args.folder / "model")
tokenizer.save(str(args.folder / "model" / "tokenizer.json"))

# Of patterns that overlap the first counts, and peft sorts them when it saves: here they are sorted already.
parts = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
config = LoraConfig(
    r=rng.randint(1, 9), lora_alpha=rng.randint(1, 20), target_modules=rng.sample(parts, rng.randint(1, 7)),
    lora_dropout=rng.choice([0.0, 0.1]), use_rslora=rng.random() < 0.5, task_type="CAUSAL_LM",
    rank_pattern=rng.choice([{}, {"layers.1.self_attn.(q|k)_proj": 3, r"model\.layers\.1.*": 5}]),
    alpha_pattern=rng.choice([{}, {"layers.0.*": 7, "v_proj": 2.5}]))
model = get_peft_model(base, config)
for name, value in model.named_parameters():
    if "lora_" in name:
        torch.nn.init.normal_(value, std=0.1)
ids = torch.randint(vocabulary, (3, 11))
expected = {"ids": ids, "logits": logits(model, ids)}
model.save_pretrained(args.folder / "lora")
save_file(expected | {"merged": logits(model.merge_and_unload(), ids)}, args.folder / "expected.safetensors")

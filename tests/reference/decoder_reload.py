"""Loads folders that Cell2Text saved with transformers, and computes logits on random embeddings. A warning, or a
tensor that is missing or superfluous, is a failure."""
import argparse
import logging
import pathlib
import sys
import warnings

import torch
from safetensors.torch import save_file

warnings.simplefilter("error")
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as hf_logging

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("models", nargs="+", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.set_num_threads(1)

messages = []


class Collect(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())


hf_logging.set_verbosity_warning()
hf_logging.disable_progress_bar()
logging.getLogger("transformers").addHandler(Collect(logging.WARNING))
out = {}
for path in args.models:
    model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True)
    faults = messages + [f"{key}: {sorted(value)}" for key, value in info.items() if value]
    if faults:
        sys.exit(f"{path}:\n" + "\n".join(faults))
    eos = GenerationConfig.from_pretrained(path).eos_token_id
    tokenizer = AutoTokenizer.from_pretrained(path)
    torch.manual_seed(args.seed)
    embeddings = torch.randn(2, 7, model.config.hidden_size)
    out[path.name + ".embeddings"] = embeddings.clone()
    out[path.name + ".logits"] = model.eval()(inputs_embeds=embeddings).logits.detach().contiguous()
    out[path.name + ".eos"] = torch.tensor([eos] if isinstance(eos, int) else eos)
    out[path.name + ".ids"] = torch.tensor(tokenizer("the cells of the blood", add_special_tokens=False).input_ids)
save_file(out, args.folder / "expected.safetensors")

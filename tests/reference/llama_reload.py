"""Loads a folder that Cell2Text saved with transformers, and computes logits on random embeddings. A warning, or a
tensor that is missing or superfluous, is a failure."""
import argparse
import logging
import pathlib
import sys
import warnings

import torch
from safetensors.torch import save_file

warnings.simplefilter("error")
from transformers import AutoTokenizer, GenerationConfig, LlamaForCausalLM
from transformers.utils import logging as hf_logging

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("model")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)

messages = []


class Collect(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())


hf_logging.set_verbosity_warning()
hf_logging.disable_progress_bar()
logging.getLogger("transformers").addHandler(Collect(logging.WARNING))
model, info = LlamaForCausalLM.from_pretrained(args.model, output_loading_info=True)
faults = messages + [f"{key}: {sorted(value)}" for key, value in info.items() if value]
if faults:
    sys.exit("\n".join(faults))
generation = GenerationConfig.from_pretrained(args.model)
tokenizer = AutoTokenizer.from_pretrained(args.model)
ids = tokenizer("the cells of the blood", add_special_tokens=False).input_ids
embeddings = torch.randn(2, 7, model.config.hidden_size)
eos = generation.eos_token_id
save_file({"embeddings": embeddings, "logits": model.eval()(inputs_embeds=embeddings).logits.detach().contiguous(),
           "eos": torch.tensor([eos] if isinstance(eos, int) else eos), "ids": torch.tensor(ids)},
          args.folder / "expected.safetensors")

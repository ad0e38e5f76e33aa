"""A random BERT in a Hugging Face folder with gene dictionaries, made-up tokens, and the hidden states of every layer.

FOLDER/model is the checkpoint; FOLDER/expected.safetensors holds ids [B,G] (right-padded), lengths [B] and
hidden_0 (the embeddings) to hidden_L [B,G,E]. With --bare the checkpoint is a BertModel: names without "bert.", and
a pooler. With --open CHECKPOINT only the hidden states of that checkpoint on the tokens of --tokens FILE are written.
"""
import argparse
import json
import pathlib

import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertModel
from transformers.utils import logging


def hidden_states(model, ids, lengths):
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        # A model cut down to no blocks at all has no states to hand out: what is left is the embeddings.
        states = out.hidden_states or (getattr(model, "bert", model).embeddings(input_ids=ids),)
    return {f"hidden_{i}": h.contiguous() for i, h in enumerate(states)}


def random_checkpoint(folder, bare):
    heads = int(torch.randint(1, 5, ()))
    genes = int(torch.randint(20, 60, ()))
    config = BertConfig(
        vocab_size=genes + 4, hidden_size=8 * heads * int(torch.randint(1, 4, ())), num_attention_heads=heads,
        num_hidden_layers=int(torch.randint(1, 5, ())), intermediate_size=int(torch.randint(10, 90, ())),
        hidden_act=["relu", "gelu", "gelu_new"][int(torch.randint(0, 3, ()))], max_position_embeddings=40,
        layer_norm_eps=[1e-12, 1e-5][int(torch.randint(0, 2, ()))])
    model = (BertModel if bare else BertForMaskedLM)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from the small start, so that each layer matters
            parameter.add_(torch.randn_like(parameter) * 0.25)
    model.save_pretrained(folder / "model")
    tokens = {"<pad>": 0, "<mask>": 1, "<cls>": 2, "<eos>": 3}
    tokens |= {f"ENSG{i:011d}": i + 4 for i in range(genes)}
    (folder / "model/token_dictionary.json").write_text(json.dumps(tokens))
    medians = {name: 0.5 + float(torch.rand(())) * 3 for name in tokens if name[0] == "E"}
    (folder / "model/gene_median_dictionary.json").write_text(json.dumps(medians))
    return model, genes


def random_tokens(genes):
    cells, longest = int(torch.randint(2, 6, ())), int(torch.randint(6, 40, ()))
    lengths = torch.randint(3, longest + 1, (cells,))
    lengths[0] = longest
    ids = torch.randint(4, genes + 4, (cells, longest))
    ids[:, 0] = 2
    for row, length in enumerate(lengths):
        ids[row, length - 1] = 3
        ids[row, length:] = 0
    return ids, lengths


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--open", type=pathlib.Path)
    parser.add_argument("--tokens", type=pathlib.Path)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    logging.set_verbosity_error()
    if args.open:
        given = load_file(args.tokens)
        model = BertForMaskedLM.from_pretrained(args.open).eval()
        save_file(hidden_states(model, given["ids"], given["lengths"]), args.folder / "expected.safetensors")
        return
    model, genes = random_checkpoint(args.folder, args.bare)
    ids, lengths = random_tokens(genes)
    save_file({"ids": ids, "lengths": lengths, **hidden_states(model, ids, lengths)},
              args.folder / "expected.safetensors")


main()

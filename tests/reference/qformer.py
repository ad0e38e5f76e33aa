"""The Q-Former of transformers (Blip2QFormerModel) with a linear layer after it, of random sizes and weights; with
--bert its layers start from a BERT, as BLIP-2's do, and that BERT is saved beside the case.

Three cases, in FOLDER/0, 1 and 2. In each settings.json: the adapter's settings; case.safetensors: weight.NAME,
gradient.NAME (of the weighted sum of the output), genes [B,G,E] with NaN beyond the lengths, lengths [B], prompt
[B,P,D], upstream [B,P,D], gradient.genes. Computed in float64, kept in float32.
"""
import argparse
import json
import math
import pathlib
import random

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, BertForMaskedLM, BertModel
from transformers.models.blip_2.configuration_blip_2 import Blip2QFormerConfig
from transformers.models.blip_2.modeling_blip_2 import Blip2QFormerModel

E, D = 12, 20

NAMES = {"layernorm": "norm", "encoder.layer": "layers", "attention.attention": "attention",
         "attention.output.dense": "attention.out", "attention.output.LayerNorm": "attention_norm",
         "crossattention": "cross_attention", "intermediate_query.dense": "up", "output_query.dense": "down",
         "output_query.LayerNorm": "norm"}


def as_the_adapter_names(name):
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name


def start_from(model, bert):
    """What a Q-Former and a BERT have in common, under transformers' names."""
    state = bert.state_dict()
    for name, parameter in model.named_parameters():
        source = name.replace("_query", "").replace("attention.attention.", "attention.self.")
        source = source.replace("layernorm.", "embeddings.LayerNorm.")
        if "crossattention" not in name:
            with torch.no_grad():
                parameter.copy_(state[source])


def write_case(folder, rng, with_bert):
    heads, layers = rng.choice([1, 2, 4]), rng.randint(1, 4)
    width, feed_forward = heads * rng.randint(8, 12), rng.randint(8, 40)
    activation, epsilon = rng.choice(["gelu", "relu", "gelu_new"]), rng.choice([1e-12, 1e-5])
    settings = {"queries": rng.randint(1, 6), "layers": layers, "cross_every": rng.randint(1, 3),
                "output_norm": rng.choice(["l2", "layer", "none"]), "output_scale": rng.choice([1, 3.5])}
    cells, num_genes = rng.randint(2, 4), rng.randint(3, 40)
    lengths = torch.tensor([num_genes] + [rng.randint(1, num_genes - 1) for _ in range(cells - 1)])
    model = Blip2QFormerModel(Blip2QFormerConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=feed_forward,
        hidden_act=activation, layer_norm_eps=epsilon, cross_attention_frequency=settings["cross_every"],
        encoder_hidden_size=E, attn_implementation="eager")).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    if with_bert:
        bert = rng.choice([BertModel, BertForMaskedLM])(BertConfig(
            vocab_size=11, hidden_size=width, num_hidden_layers=layers + rng.randint(0, 2), num_attention_heads=heads,
            intermediate_size=feed_forward, max_position_embeddings=16, hidden_act=activation, layer_norm_eps=epsilon))
        with torch.no_grad():
            for parameter in bert.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.2)
        bert.save_pretrained(folder / "bert")
        settings["bert"] = str(folder / "bert")
        start_from(model, getattr(bert, "bert", bert))
    else:
        settings |= {"width": width, "heads": heads, "feed_forward": feed_forward, "activation": activation,
                     "layer_norm_epsilon": epsilon}
    form = settings["output_norm"]
    around = nn.ParameterDict({"queries": torch.randn(settings["queries"], width)})
    project, output_norm = nn.Linear(width, D), nn.LayerNorm(D)
    with torch.no_grad():
        for parameter in output_norm.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    for part in (model, around, project, output_norm):
        part.double()
    genes = torch.randn(cells, num_genes, E)
    x = genes.double().requires_grad_(True)
    out = project(model(query_embeds=around["queries"].expand(cells, -1, -1), encoder_hidden_states=x,
                        encoder_attention_mask=torch.arange(num_genes) < lengths[:, None]).last_hidden_state)
    if form == "layer":
        out = output_norm(out)
    if form == "l2":
        out = nn.functional.normalize(out, dim=-1)
    prompt = out * settings["output_scale"]
    upstream = torch.randn(prompt.shape)
    (prompt * upstream.double()).sum().backward()
    genes[torch.arange(num_genes) >= lengths[:, None]] = math.nan
    parameters = {as_the_adapter_names(name): p for name, p in model.named_parameters()}
    parameters |= {"queries": around["queries"], "project.weight": project.weight, "project.bias": project.bias}
    if form == "layer":
        parameters |= {"output_norm.weight": output_norm.weight, "output_norm.bias": output_norm.bias}
    save_file({"genes": genes, "lengths": lengths, "prompt": prompt.detach().float(), "upstream": upstream,
               "gradient.genes": x.grad.float(),
               **{f"weight.{name}": p.detach().float() for name, p in parameters.items()},
               **{f"gradient.{name}": p.grad.float() for name, p in parameters.items()}},
              folder / "case.safetensors")
    (folder / "settings.json").write_text(json.dumps(settings))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bert", action="store_true")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    for case in range(3):
        (args.folder / str(case)).mkdir(exist_ok=True)
        write_case(args.folder / str(case), rng, args.bert)


main()

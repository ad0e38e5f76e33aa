"""A trained Llama decoder as one of larger sizes that writes the same texts: its weights lie in the first rows and columns
of larger matrices. What stands beside them is random where nothing reads it, and zero where something would; layers that
are added add nothing. The time of a network depends on its shape alone, so that what a larger trained model would need is
measured without training one.

Channels that are added are zero all along, so norms divide by less: their weights make up for it. Of a head, channel c
turns by theta^(-2c/C), which a head of k C channels has at channel k c.
"""
import json
import math
import shutil

import numpy as np
from safetensors.numpy import load_file, save_file

SHAPE = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 8, "num_attention_heads": 8,
         "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 128256}


def turned_channels(channels, wide):
    """Where the channels of a head lie in one of `wide` channels."""
    half, step = channels // 2, wide // channels
    return [step * c for c in range(half)] + [wide // 2 + step * c for c in range(half)]


def rows_of(heads, groups, wide_groups, channels, wide):
    """Rows of the heads' `channels` in a matrix whose heads have `wide` channels and stand in groups of another size."""
    return [(head // groups * wide_groups + head % groups) * wide + c for head in range(heads) for c in channels]


class Widening:
    def __init__(self, config, shape, seed):
        self.narrow, self.wide, self.random = config, shape, np.random.default_rng(seed)
        channels = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        heads, keys = config["num_attention_heads"], config["num_key_value_heads"]
        C = shape["head_dim"]
        assert C % channels == 0 and keys == shape["num_key_value_heads"]
        groups, wide_groups = heads // keys, shape["num_attention_heads"] // keys
        turned, plain = turned_channels(channels, C), range(channels)
        self.queries = rows_of(heads, groups, wide_groups, turned, C)
        self.keys = rows_of(keys, 1, 1, turned, C)
        self.values = rows_of(keys, 1, 1, plain, C)
        self.attended = rows_of(heads, groups, wide_groups, plain, C)
        self.sharper = math.sqrt(C / channels)  # scores are divided by the root of the channels
        self.less = config["hidden_size"] / shape["hidden_size"]

    def noise(self, *sizes):
        return (0.02 * self.random.standard_normal(sizes)).astype(np.float32)

    def reads(self, weight, out, rows):
        """A matrix that reads the hidden state: what its other columns hold meets zeros."""
        wide = self.noise(out, self.wide["hidden_size"])
        if weight is not None:
            wide[rows, :weight.shape[1]] = weight
        return wide

    def adds(self, weight, width, columns):
        """A matrix that adds to the hidden state: zero but for what was trained."""
        wide = np.zeros((self.wide["hidden_size"], width), np.float32)
        if weight is not None:
            wide[np.arange(weight.shape[0])[:, None], columns] = weight
        return wide

    def norm(self, weight):
        wide = np.ones(self.wide["hidden_size"], np.float32)
        if weight is not None:
            wide[:len(weight)] = weight * math.sqrt(self.less)
        return wide

    def layer(self, tensors):
        """`tensors` of a trained layer by their names in it, or of none."""
        C, F = self.wide["head_dim"], self.wide["intermediate_size"]
        queries, keys = self.wide["num_attention_heads"] * C, self.wide["num_key_value_heads"] * C
        of = lambda name: tensors.get(name + ".weight")
        inner = np.arange(self.narrow["intermediate_size"])
        q = self.reads(of("self_attn.q_proj"), queries, self.queries)
        q[self.queries, :self.narrow["hidden_size"]] *= self.sharper
        k = self.reads(of("self_attn.k_proj"), keys, self.keys)
        k[np.setdiff1d(np.arange(keys), self.keys)] = 0  # channels that are added to a head give no scores
        return {"input_layernorm": self.norm(of("input_layernorm")),
                "post_attention_layernorm": self.norm(of("post_attention_layernorm")),
                "self_attn.q_proj": q,
                "self_attn.k_proj": k,
                "self_attn.v_proj": self.reads(of("self_attn.v_proj"), keys, self.values),
                "self_attn.o_proj": self.adds(of("self_attn.o_proj"), queries, self.attended),
                "mlp.gate_proj": self.reads(of("mlp.gate_proj"), F, inner),
                "mlp.up_proj": self.reads(of("mlp.up_proj"), F, inner),
                "mlp.down_proj": self.adds(of("mlp.down_proj"), F, inner)}

    def table(self, embedding):
        """Tokens that are added have a score of zero; the others' embeddings end in zeros."""
        wide = np.zeros((self.wide["vocab_size"], self.wide["hidden_size"]), np.float32)
        tokens, width = embedding.shape
        wide[:tokens, :width] = embedding
        wide[tokens:, width:] = self.noise(len(wide) - tokens, wide.shape[1] - width)
        return wide


def widen(folder, out, seed):
    """`folder` is a decoder's in a model folder, of the plugin llama, with tied embeddings and one file of weights."""
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    assert config["model_type"] == "llama" and "lm_head.weight" not in tensors
    widening = Widening(config, SHAPE, seed)
    wide = {"model.embed_tokens.weight": widening.table(tensors["model.embed_tokens.weight"]),
            "model.norm.weight": widening.norm(tensors["model.norm.weight"])}
    for layer in range(SHAPE["num_hidden_layers"]):
        name = f"model.layers.{layer}."
        own = {key[len(name):]: value for key, value in tensors.items() if key.startswith(name)}
        wide |= {f"{name}{part}.weight": weight for part, weight in widening.layer(own).items()}
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folder, out)
    save_file(wide, out / "model.safetensors", {"format": "pt"})
    (out / "config.json").write_text(json.dumps(config | SHAPE | {"rms_norm_eps": config["rms_norm_eps"] * widening.less}))

"""What transformers' processors leave of random logits: probabilities, 0 where a token is removed, and how near the
nearest token of each row stands to a limit."""
import argparse
import json
import pathlib
import random

import torch
from safetensors.torch import save_file
from transformers.generation.logits_process import (MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper,
                                                    TopPLogitsWarper)

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.manual_seed(args.seed)
rng = random.Random(args.seed)

logits = torch.randn(12, 500) * torch.tensor([0.3, 1, 3, 8]).repeat(3)[:, None]
logits[1, :40] = 2.5  # equals
logits[2, rng.sample(range(500), 450)] = -torch.inf  # ruled out before
tensors, cases = {"logits": logits}, []
choices = [{}, {"temperature": 0.7}, {"top_k": 1}, {"top_k": 20}, {"top_k": 10000}, {"top_p": 0.9}, {"top_p": 0.0},
           {"top_p": 0.999}, {"min_p": 0.05}, {"min_p": 1.0}]
choices += [{"temperature": rng.uniform(0.2, 2), "top_k": rng.randint(1, 80), "top_p": rng.uniform(0.1, 1),
             "min_p": rng.uniform(0, 0.2)} for _ in range(10)]
for i, given in enumerate(choices):
    one = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, **given}
    scores, margin = logits.clone(), torch.full((len(logits),), torch.inf)
    if one["temperature"] != 1:
        scores = TemperatureLogitsWarper(one["temperature"])(None, scores)
    if one["top_k"] > 0:
        scores = TopKLogitsWarper(one["top_k"])(None, scores)
    if one["top_p"] < 1:
        # Which of equals are cut, a sort that is not stable does not say: -1.
        ordered = scores.double().sort(-1).values
        below = ordered.softmax(-1).cumsum(-1)
        if one["top_p"] > 0:
            margin = torch.minimum(margin, (below[:, :-1] - (1 - one["top_p"])).abs().min(-1).values.float())
        first_kept = (below > 1 - one["top_p"]).double().argmax(-1, keepdim=True).clamp(1, len(scores[0]) - 1)
        cut_equals = ordered.gather(1, first_kept) == ordered.gather(1, first_kept - 1)
        margin[cut_equals[:, 0] & ordered.gather(1, first_kept)[:, 0].isfinite()] = -1
        scores = TopPLogitsWarper(one["top_p"])(None, scores)
    if one["min_p"] > 0:
        shares = (scores.double() - scores.double().amax(-1, keepdim=True)).exp()
        others = torch.where(shares < 1, (shares - one["min_p"]).abs(), torch.inf)
        margin = torch.minimum(margin, others.amin(-1).float())
        scores = MinPLogitsWarper(one["min_p"])(None, scores)
    tensors[f"probabilities.{i}"] = scores.double().softmax(-1).float()
    cases.append({**one, "margins": [min(m, 1e9) for m in margin.tolist()]})
save_file(tensors, args.folder / "sampling.safetensors")
(args.folder / "cases.json").write_text(json.dumps(cases))

"""Writes scalars.txt: tag, step and value of every scalar that TensorBoard shows of a folder of event files."""

import argparse
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

parser = argparse.ArgumentParser()
parser.add_argument("out", type=Path)
parser.add_argument("events")
parser.add_argument("--seed", type=int)
arguments = parser.parse_args()

events = EventAccumulator(arguments.events, size_guidance={SCALARS: 0})
events.Reload()
with open(arguments.out / "scalars.txt", "w") as out:
    for tag in events.Tags()["scalars"]:
        for scalar in events.Scalars(tag):
            print(tag, scalar.step, repr(scalar.value), file=out)

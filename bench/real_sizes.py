"""Rows of bench/run.py on checkpoints of published sizes, in bfloat16, at random weights: what a published model costs
here. The checkpoints are made where they are missing (10 GB)."""
import pathlib
import subprocess
import sys

import inputs
from sides import limit_row, measured, memory_row, per_second, row, training_pairs

HERE = pathlib.Path(__file__).resolve().parent
PROMPT, NEW_TOKENS = 64, 48
TARGETS = {"lora": 1.2, "lora_memory": 0.8, "bandwidth": 0.6, "open": 3.0, "open_memory": 500, "gemma_memory": 16384}


def checkpoint(folder, size):
    """Of the bench's tokenizer, so that its texts mean the same to both sides."""
    if not (folder / size / "config.json").exists():
        begin, end = inputs.SHAPES["decoder"]["vocabulary"] - 2, inputs.SHAPES["decoder"]["vocabulary"] - 1
        subprocess.run([sys.executable, HERE.parent / "tools/make_checkpoint.py", size, folder / size, "--tokenizer",
                        folder / "tokenizer.json", "--config", f"bos_token_id={begin}", f"eos_token_id={end}"], check=True)
    return folder / size


def lora_rows(folder, options, bench):
    llama = checkpoint(folder, "llama-3.2-1b")
    inputs.write_experiment(folder, "real", "cells", inputs.opened_decoder("llama", llama),
                            inputs.lora(inputs.SHAPES["lora_of_real_sizes"]), options.steps, batch=1, precision="bfloat16")
    if not (folder / "weights-real").exists():
        measured([bench, "save", folder / "real.toml", folder / "weights-real"], options.threads)
    pairs, speeds = training_pairs("real", ([bench, "train", folder / "real.toml", 2],
                                            [sys.executable, HERE / "peer.py", "real", folder, 2, options.steps]),
                                   options, batch=1, tolerance=2e-2)
    return [row("Llama-1B shape, bfloat16 base, LoRA r 256: a step on 1 cell", pairs, speeds, "cells/s", TARGETS["lora"]),
            memory_row("Llama-1B shape, LoRA r 256: peak memory", pairs, TARGETS["lora_memory"])], pairs


def decoding_rows(folder, options, bench):
    llama = checkpoint(folder, "llama-3.2-1b")
    tool = bench.with_name("bench_decoder")
    runs = [measured([tool, "llama", llama, PROMPT, NEW_TOKENS], options.threads) for _ in range(options.pairs)]
    opened = [measured([tool, "llama", llama, 8, 1], options.threads) for _ in range(options.pairs)]
    pairs = [[{"repeats": [{"wall_s": 1e9 / run[key]}]} for key in ("weight_bytes_per_s", "plain_sum_bytes_per_s")]
             for run in runs]
    read = row("Llama-1B shape, bfloat16, greedy, one cell: weights read; peer: a plain sum over memory", pairs,
               lambda pair, _: [per_second(side, "repeats", 1) for side in pair], "GB/s", TARGETS["bandwidth"])
    del read["cpu"]
    print(f"real: {[round(run['tokens_per_s'], 2) for run in runs]} tokens/s", file=sys.stderr)
    return [read,
            limit_row("Llama-1B shape: opening it and generating one token, warm", [run["first_token_s"] for run in opened], "s",
                      TARGETS["open"]),
            limit_row("Llama-1B shape: peak memory of that, not counting mapped pages", [run["anonymous_mib"] for run in opened], "MiB",
                      TARGETS["open_memory"])], {"decoding": runs, "opening": opened}


def gemma_rows(folder, options, bench):
    gemma = checkpoint(folder, "gemma-3-4b")
    inputs.write_experiment(folder, "gemma", "cells", inputs.opened_decoder("gemma", gemma),
                            inputs.lora(inputs.SHAPES["lora_of_real_sizes"]), 1, batch=1)
    run = measured([bench, "generate", folder / "gemma.toml", 1, 1], options.threads)
    print(f"real: a cell described by Gemma-4B in {run['repeats'][0]['wall_s']:.1f} s", file=sys.stderr)
    return [limit_row("Gemma-4B shape, bfloat16, describes a cell with 4 beams: peak memory with mapped pages",
                      [run["vm_hwm_mib"]], "MiB", TARGETS["gemma_memory"])], run

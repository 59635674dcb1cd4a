"""GPT-2's smallest size on a GPU: tokens a second in bfloat16, and the share of the GPU's peak.

    python bench/gpu.py [--seconds 300] [--save]
    python bench/gpu.py --tiny

Trains 124 million parameters (recipes/gpt2-124m.toml; 50,304 tokens, GPT-2's 50,257 rounded up to
a multiple of 128) on random tokens with the engine torch, as a training loop would: half a million
tokens a step where the GPU is fast enough, in micro-batches of several sizes, compiled and not.
What isn't measured yet when the time is up is left out, so that all of it takes less than six
minutes.

MFU: the floating-point operations that the model needs (flops.py: of attention only what a position
sees) over those that products of 8192 x 8192 matrices do in the same time and numbers. Aim: 45 %.
Beside it the share by the count that others use, which takes attention as if all positions saw all.

``--tiny``: a few seconds on any machine, to see that the script works; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from common import ROOT, load, save

from microgpt.arrays import Arrays
from microgpt.config import Config
from microgpt.engines.base import Batches
from microgpt.engines.hardware import Hardware
from microgpt.engines.torch.engine import TorchEngine
from microgpt.errors import MicrogptError
from microgpt.flops import document_flop

AIM = 0.45
VOCABULARY = 50304
TOKENS = 2**19  # of a step, where the GPU does them in a few seconds
SPAN = 3.0  # seconds that a step may take
TRIES = [(32, True), (64, True), (16, True), (32, False)]
TINY = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 32, "vocab_size": 64}


def gpt2() -> Config:
    recipe = tomllib.loads((ROOT / "recipes" / "gpt2-124m.toml").read_text(encoding="utf-8"))
    known = {field.name for field in fields(Config)}
    given = {name: value for name, value in recipe.items() if name in known}
    return Config(**{**given, "vocab_size": VOCABULARY})


def first_weights(config: Config) -> Arrays:
    draw = np.random.Generator(np.random.PCG64(1))
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        constant = config.constant_of(name)
        drawn = draw.standard_normal(shape, dtype=np.float32) * np.float32(config.std_of(name))
        weights[name] = drawn if constant is None else np.full(shape, constant, np.float32)
    return weights


def random_batches(config: Config, steps: int, documents: int) -> Batches:
    draw = np.random.Generator(np.random.PCG64(2))
    every, length = steps * documents, config.block_size + 1
    return Batches(
        tokens=draw.integers(config.vocab_size, size=every * length).astype(np.int32),
        offsets=np.arange(every + 1, dtype=np.int64) * length,
        documents=np.full(steps, documents, dtype=np.int64),
        positions=np.full(steps, documents * config.block_size, dtype=np.int64),
    )


def tried(
    config: Config,
    weights: Arrays,
    device: str,
    micro: int,
    compiled: bool,
    steps: int,
    span: float = SPAN,
) -> dict[str, Any]:
    """Train some steps in micro-batches of this size; how fast that is.

    ``span``: seconds that a step should take, of as many micro-batches as fit.
    """
    engine = TorchEngine()
    engine.hardware = Hardware(device=device, compile=compiled, micro_batch=micro)
    row: dict[str, Any] = {"micro_batch": micro, "compiled": compiled}
    try:
        began = time.perf_counter()
        engine.load(config, "bfloat16", weights)
        one = random_batches(config, 1, micro)
        engine.steps(one, [config.lr], 0)  # compiles
        row["waited"] = time.perf_counter() - began
        began = time.perf_counter()
        engine.steps(one, [config.lr], 1)
        each = time.perf_counter() - began
        most = TOKENS // config.block_size // micro
        documents = micro * max(1, min(most, int(span / each)))
        batches = random_batches(config, steps, documents)
        began = time.perf_counter()
        losses = engine.steps(batches, [config.lr] * steps, 2)
        seconds = (time.perf_counter() - began) / steps
    except MicrogptError as error:  # too large for this GPU, or nothing can be compiled
        return {**row, "failed": str(error)}
    use = engine.usage()
    engine.close()
    tokens = documents * config.block_size
    usual = 6 * (config.parameters() - config.block_size * config.n_embd)
    usual += 12 * config.n_layer * config.n_embd * config.block_size
    return {
        **row,
        "documents": documents,
        "step_seconds": seconds,
        "tokens_per_second": tokens / seconds,
        "mfu": documents * document_flop(config, config.block_size) / seconds / use["peak"],
        "mfu_usual": tokens * usual / seconds / use["peak"],
        "peak_tflops": use["peak"] / 1e12,
        "memory_gib": use.get("memory", 0) / 2**30,
        "last_loss": losses[-1],
    }


def line(row: dict[str, Any]) -> str:
    how = "compiled" if row["compiled"] else "eager"
    if "failed" in row:
        return f"| {row['micro_batch']} | {how} | {row['failed']} | | | | | |"
    return (
        f"| {row['micro_batch']} | {how} | {row['documents']} | {row['tokens_per_second']:,.0f} "
        f"| {row['mfu']:.1%} | {row['mfu_usual']:.1%} | {row['memory_gib']:.1f} "
        f"| {row['waited']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300, help="after which nothing is begun")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--tiny", action="store_true", help="see that the script works")
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    began, span = time.perf_counter(), SPAN
    config, tries, device = gpt2(), TRIES, "cuda"
    if asked.tiny:
        asked.steps, span = 2, 0.0
        config, tries, device = replace(config, **TINY), [(2, False), (4, False)], "cpu"
    elif not torch.cuda.is_available():
        sys.exit("PyTorch finds no GPU of NVIDIA or AMD here, so nothing was measured.")
    weights = first_weights(config)
    rows: list[dict[str, Any]] = []
    for micro, compiled in tries:
        longest = max((row.get("took", 0.0) for row in rows), default=0.0)
        if time.perf_counter() - began + longest > asked.seconds:
            break
        start = time.perf_counter()
        rows.append(tried(config, weights, device, micro, compiled, asked.steps, span))
        rows[-1]["took"] = time.perf_counter() - start
        print(line(rows[-1]), flush=True)
    done = [row for row in rows if "failed" not in row]
    if not done:
        sys.exit("None of these could be trained here.")
    best = max(done, key=lambda row: float(row["mfu"]))
    gpu = "a processor" if asked.tiny else torch.cuda.get_device_name()
    lines = [
        f"{config.parameters():,} parameters of GPT-2's shape on {gpu}, bfloat16, PyTorch "
        f"{torch.__version__}; {asked.steps} steps each. The peak, measured: "
        f"{best['peak_tflops']:.1f} TFLOP/s. Best: {best['mfu']:.1%} of it, the aim is {AIM:.0%}.",
        "",
        "| micro-batch | | documents a step | tokens/s | MFU | by the usual count | GiB "
        "| first step, s |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
        *map(line, rows),
    ]
    if asked.save:
        save("gpu", {"gpu": gpu, "aim": AIM, "load": load(), "rows": rows}, lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()

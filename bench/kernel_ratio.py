"""Time per document of the native engine, as a ratio to this machine's own peak.

    python bench/kernel_ratio.py [--dtype float32] [--level avx2] [--batch 1 64] [--rounds 7]

The unit is what NumPy's float32 product of two 512 x 512 matrices (one BLAS thread, best of 5)
would need for 155,490 FLOP, the mean work of a document of the names in preset `final`. It is
measured again beside every round; the median of the rounds' ratios is printed, and their best.
"""

import argparse
import os
import statistics
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import random

import numpy as np

from microgpt.batches import Order, TokenTable
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.engines.native import NativeEngine
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer

FLOP = 155_490
clock = time.thread_time  # others on a shared core don't count; with threads, wall-clock time


def sgemm_unit() -> float:
    """Seconds that the 512 x 512 product would take for FLOP."""
    a = np.random.default_rng(0).standard_normal((512, 512), dtype=np.float32)
    best = min(_timed(lambda: a @ a) for _ in range(5))
    return best * FLOP / (2 * 512**3)


def _timed(work) -> float:
    begun = clock()
    work()
    return clock() - begun


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--level")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--documents", type=int, default=25_600)
    parser.add_argument("--core", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.threads > 1:
        global clock
        clock = time.perf_counter
    elif hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {arguments.core})
    docs = load_data("names").docs
    tokenizer = Tokenizer.of(docs)
    random.Random(42).shuffle(docs)
    for batch in arguments.batch:
        config = make_config("final", batch_size=batch)
        weights = {
            name: np.array(rows, dtype=arguments.dtype)
            for name, rows in init_weights(config, random.Random(42)).items()
        }
        engine = NativeEngine()
        NativeEngine.level = arguments.level  # a class method reads it
        engine.load(config, arguments.dtype, weights, None, arguments.threads)
        steps = max(1, arguments.documents // batch)
        batches = Order(TokenTable(docs, tokenizer), config, random.Random(0)).batches(0, steps)
        lrs = [0.005] * steps
        micro, ratios = [], []
        for _ in range(arguments.rounds):
            unit = sgemm_unit()
            seconds = _timed(lambda e=engine, b=batches, r=lrs: e.steps(b, r, 0)) / steps / batch
            micro.append(seconds * 1e6)
            ratios.append(seconds / min(unit, sgemm_unit()))
        print(
            f"{arguments.dtype} {engine.level} batch {batch:>4} threads {arguments.threads}: "
            f"ratio {statistics.median(ratios):.3f} (best {min(ratios):.3f}), "
            f"{statistics.median(micro):.3f} us a document (best {min(micro):.3f})"
        )


if __name__ == "__main__":
    main()

"""What the tests of the torch engine share: a small model, its switches, documents and losses."""

import dataclasses
import random
from typing import Any

import numpy as np

from microgpt.config import Config, make_config
from microgpt.engines import make_engine
from microgpt.engines.base import Arrays, Batches, Engine
from microgpt.engines.hardware import Hardware

SMALL = make_config(n_layer=2, n_embd=16, n_head=2, block_size=9, vocab_size=11, init_std=0.3)
SWITCHES: list[dict[str, Any]] = [
    {},
    {"norm": "layernorm", "norm_gain": True, "bias": True, "activation": "gelu"},
    {"embed_norm": False, "final_norm": True, "norm_gain": True},
    {"positions": "rope", "rope_theta": 100.0},
    {"n_head": 4, "n_kv_head": 2, "positions": "rope"},
    {"qk_norm": True, "norm_gain": True},
    {"attn_window": 3},
    {"activation": "swiglu", "mlp_width": 7, "bias": True},
    {"activation": "relu_squared", "tied": True},
    {"n_expert": 4, "n_active": 2, "balance": 0.5},
    {"n_expert": 3, "n_active": 3, "activation": "swiglu"},
    {"mup_base": 4, "optimizer": "adamw", "weight_decay": 0.1},
    {"lora_rank": 2, "lora_alpha": 3.0, "grad_clip": 0.5},
    {"optimizer": "muon", "weight_decay": 0.1, "grad_clip": 1.0},
    {"optimizer": "sgd", "lr": 0.1},
]


def drawn(config: Config, seed: int = 1) -> Arrays:
    """Weights that leave nothing at 0: gains near 1, all else around 0."""
    draw = np.random.default_rng(seed)
    return {
        name: draw.standard_normal(shape) * 0.4 + (config.constant_of(name) == 1)
        for name, shape in config.shapes().items()
    }


def loaded(
    name: str,
    config: Config,
    dtype: str = "float64",
    weights: Arrays | None = None,
    threads: int = 1,
    **hardware: Any,
) -> Engine:
    engine = make_engine(name, config, dtype, Hardware(**hardware))
    engine.load(config, dtype, drawn(config) if weights is None else weights, threads=threads)
    return engine


def documents(config: Config, count: int, seed: int = 2) -> list[list[int]]:
    """Of random lengths, the first as long as the model allows, the second as short."""
    rng, bos = random.Random(seed), config.vocab_size - 1
    lengths = [config.block_size, 0, *(rng.randrange(config.block_size) for _ in range(count - 2))]
    return [[bos, *(rng.randrange(bos) for _ in range(n)), bos][: n + 1 + (n < config.block_size)]
            for n in lengths]  # fmt: skip


def batches(config: Config, steps: int, size: int = 4, seeds: Any = None) -> Batches:
    made = Batches.of([documents(config, size, step) for step in range(steps)])
    return dataclasses.replace(made, seeds=None if seeds is None else np.asarray(seeds))


def losses(engine: Engine, steps: int = 10, **how: Any) -> list[float]:
    lrs = [engine.config.lr_at(step) for step in range(steps)]
    return engine.steps(batches(engine.config, steps, **how), lrs, 0)


def apart(one: Arrays, other: Arrays) -> float:
    """The largest distance, relative to the largest number of all."""
    assert list(one) == list(other)
    largest = max(float(np.abs(a).max()) for a in other.values())
    return max(float(np.abs(one[n] - a).max()) for n, a in other.items()) / largest

"""What the generators share: the models of the vectors, and the scalar engine loaded with one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from conformance import vectorfile

from microgpt.batches import Order, TokenTable
from microgpt.config import Config, make_config
from microgpt.data import load_data
from microgpt.engines.base import Arrays
from microgpt.engines.scalar import ScalarEngine
from microgpt.model import init_weights
from microgpt.tokenizer import Tokenizer

SHAPE = ("n_layer", "n_embd", "n_head", "block_size", "vocab_size", "activation")
OPTIMIZER = ("optimizer", "beta1", "beta2", "eps")
TINY = {"n_layer": 1, "n_embd": 6, "n_head": 3, "block_size": 5, "vocab_size": 4}
SMALL = {
    "n_layer": 2, "n_embd": 8, "n_head": 2, "block_size": 6, "vocab_size": 5,
    "activation": "relu_squared",
}  # fmt: skip

Json = dict[str, Any]


class Run:
    """The beginning of a preset's run with seed 42: documents, tokens, weights, stream."""

    def __init__(self, preset: str) -> None:
        self.config = make_config(preset)
        dataset = load_data("names")
        self.sha256 = dataset.sha256
        self.docs = list(dataset.docs)
        self.tokenizer = Tokenizer.of(self.docs)
        self.rng = random.Random(self.config.seed)
        self.rng.shuffle(self.docs)
        weights = init_weights(self.config, self.rng)
        self.weights: Arrays = {name: np.array(rows) for name, rows in weights.items()}
        self.order = Order(TokenTable(self.docs, self.tokenizer), self.config, self.rng)


@cache
def run(preset: str) -> Run:
    return Run(preset)


def drawn(config: Config, seed: int) -> Arrays:
    """Weights of a small model, large enough that a wrong formula shows in every number."""
    weights = init_weights(config, random.Random(seed))
    return {name: np.array(rows) for name, rows in weights.items()}


def uniform_weights(config: Config, seed: int) -> Arrays:
    """Weights in the order of the shapes, row by row: 0.5 (2u - 1) for draws u in [0, 1).

    Gains are 1 more. Every weight is drawn, biases and lora_b too, and no step rounds differently
    anywhere.
    """
    rng = random.Random(seed)
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        count = int(np.prod(shape))
        drawn = np.array([0.5 * (2 * rng.random() - 1) for _ in range(count)]).reshape(shape)
        weights[name] = drawn + (config.constant_of(name) or 0.0)
    return weights


@cache
def model(name: str) -> tuple[Config, Arrays]:
    """A model of models.json or trained.json, computed, not read (``trained`` is read)."""
    if name in ("final", "early"):
        return run(name).config, run(name).weights
    if name == "tiny":
        config = make_config(**TINY, init_std=0.5)
        return config, drawn(config, 1)
    if name == "small":
        config = make_config(**SMALL, init_std=0.5)
        return config, drawn(config, 2)
    assert name == "trained"
    (case,) = vectorfile.load("trained")["cases"]
    return make_config(**case["config"]), arrays(case["weights"])


def engine(name: str, **changes: Any) -> ScalarEngine:
    """The scalar engine loaded with a model; ``changes``: to its configuration."""
    config, weights = model(name)
    config = Config(**{**config.to_dict(), **changes})
    made = ScalarEngine()
    made.load(config, "float64", weights)
    return made


def shape_of(config: Config) -> Json:
    """The part of a configuration that makes a model."""
    return {name: getattr(config, name) for name in SHAPE}


def arrays(lists: Mapping[str, Any]) -> Arrays:
    """Nested lists as float64 arrays."""
    return {name: np.array(rows, dtype=np.float64) for name, rows in lists.items()}


def lists(named: Mapping[str, Any]) -> Json:
    """Arrays as nested lists."""
    return {name: array.tolist() for name, array in named.items()}


def checksums(named: Mapping[str, Any]) -> Json:
    """Each matrix as four numbers: left-to-right sums of entries and of squares, two entries."""
    result = {}
    for name, array in named.items():
        total = squares = 0.0
        for x in array.reshape(-1).tolist():
            total += x
            squares += x * x
        flat = array.reshape(-1)
        result[name] = {
            "sum": total,
            "squares": squares,
            "first": float(flat[0]),
            "last": float(flat[-1]),
        }
    return result

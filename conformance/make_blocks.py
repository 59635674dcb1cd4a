"""Vectors of the blocks that production models have, by the NumPy engine's readable half.

A chain of switches, each case one switch from the case before: microgpt, GPT-2's shape, Llama's,
and what came after. The weights aren't stored: they follow from a seed by ``uniform_weights``.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from conformance.reference import SHAPE, Json, uniform_weights

from microgpt.config import SWITCHES, Config
from microgpt.engines.base import Arrays, Batches
from microgpt.engines.drawing import Sampler
from microgpt.engines.numpy import math as nm
from microgpt.engines.numpy.blocks import model as blocks
from microgpt.engines.numpy.engine import NumpyEngine

BASE = {"n_layer": 1, "n_embd": 16, "n_head": 4, "block_size": 6, "vocab_size": 6}
SEED = 17
STEPS = 4
RECIPES: dict[str, dict[str, Any]] = {
    "adamw": {"lr": 0.02, "weight_decay": 0.5, "grad_clip": 0.75, "beta1": 0.9, "beta2": 0.95,
              "eps": 1e-8},
    "muon": {"lr": 0.02, "weight_decay": 0.5, "grad_clip": 0.0, "beta1": 0.9, "beta2": 0.95,
             "eps": 1e-8, "muon_lr": 0.05, "muon_momentum": 0.9},
}  # fmt: skip
DOCS = [[5, 0, 1, 4, 2, 2, 3], [5, 3, 5], [5, 5], [5, 1, 5], [0, 4, 4, 1, 5]]
WEIGHTS = [[0.0, 0.0, 1.0, -0.5, 2.0, 1.0], [0.25, 1.5], [-1.0], [0.0, 0.0], [1.0, 0.5, 3.0, -2.0]]

CHAIN: list[tuple[str, str, dict[str, Any]]] = [
    ("microgpt", "the published model, where the chain begins", {}),
    ("narrow", "an MLP of 12 numbers in place of 64", {"mlp_width": 12}),
    ("gelu", "the tanh form, where relu had a corner", {"activation": "gelu"}),
    ("layernorm", "the mean is subtracted first", {"norm": "layernorm"}),
    ("gain", "each number has its own gain after the norm", {"norm_gain": True}),
    ("bias", "linear layers and norms add something", {"bias": True}),
    ("final_norm", "a norm between the last block and lm_head", {"final_norm": True}),
    ("plain_embedding", "no norm of the embedding: the blocks begin with it as it is",
     {"embed_norm": False}),
    ("gpt2", "lm_head is wte, which gets the gradients of both: GPT-2's shape", {"tied": True}),
    ("rope", "rotated pairs in place of learned positions; heads of 4 numbers, so that it shows "
     "which numbers make a pair", {"positions": "rope"}),
    ("rmsnorm", "rmsnorm with a gain, and no bias of its own", {"norm": "rmsnorm"}),
    ("no_bias", "no biases", {"bias": False}),
    ("grouped", "two heads of keys for four of queries: 0 and 1 share the first",
     {"n_kv_head": 2}),
    ("swiglu", "a third matrix says how much passes", {"activation": "swiglu"}),
    ("llama", "lm_head is a matrix of its own again: Llama's shape", {"tied": False}),
    ("qk_norm", "queries and keys are normed before they are rotated, each with a gain",
     {"qk_norm": True}),
    ("window", "a position sees itself and two before it", {"attn_window": 3}),
    ("mup", "other scales of scores and logits, and lr 8/16 for the blocks' matrices; not for Muon",
     {"mup_base": 8}),
    ("lora", "all gradients but those of the additions are 0", {"mup_base": 0, "lora_rank": 2}),
    ("experts", "two of four MLPs for each position; the gradient has the balance's part, the loss "
     "hasn't", {"lora_rank": 0, "n_expert": 4, "balance": 0.25, "mlp_width": 4}),
    ("all", "two layers of heads of 2 numbers with everything that can be together; one expert a "
     "position, whose weight is 1",
     {"n_layer": 2, "n_embd": 8, "norm": "layernorm", "bias": True, "tied": True,
      "embed_norm": True, "n_expert": 3, "n_active": 1, "rope_theta": 100.0, "attn_window": 2}),
]  # fmt: skip


def flat(weights: list[list[float]]) -> list[float]:
    return [weight for doc in weights for weight in doc]


def rounded(array: Any) -> Any:
    """Numbers to 14 decimals: far within the tolerances, and a quarter less to read."""
    return (np.round(array, 14) + 0.0).tolist()


def loaded(changes: dict[str, Any]) -> NumpyEngine:
    config = Config(**changes)
    engine = NumpyEngine()
    engine.load(config, "float64", uniform_weights(config, SEED))
    return engine


def written(config: Config) -> Json:
    """A model's sizes, and of the switches those that are set."""
    defaults = {field.name: field.default for field in dataclasses.fields(Config)}
    some = [name for name in SWITCHES if getattr(config, name) != defaults[name]]
    return {name: getattr(config, name) for name in (*SHAPE, *some)}


def _case(name: str, why: str, changes: dict[str, Any]) -> Json:
    engine = loaded(changes)
    config = engine.config
    loss, grads = engine.grads(DOCS)
    weighted, weighted_grads = engine.grads(DOCS, flat(WEIGHTS))
    uniforms = draws()
    samples, _ = engine.sample([[], [2], [0, 1]], Sampler(order="rows"), uniforms)
    return {
        "name": name,
        "why": why,
        "config": written(config),
        "shapes": {name: list(shape) for name, shape in config.shapes().items()},
        "ends": [float(engine.w.flat[0]), float(engine.w.flat[-1])],
        "logits": rounded(engine.logits([DOCS[0][:-1]])[0]),
        "loss": loss,
        **({"unbalance": unbalances(engine)} if config.n_expert else {}),
        "grads": {name: rounded(grad) for name, grad in grads.items()},
        "weighted": {"loss": weighted, "grad_norm": norm(weighted_grads)},
        "samples": samples,
        "training": [
            _trained(changes, {"optimizer": optimizer, **recipe})
            for optimizer, recipe in RECIPES.items()
            if not (config.mup_base and optimizer == "muon")
        ],
    }


def draws() -> Any:
    """Three rows of ten draws for the samples, which grow beyond the block of 6."""
    return np.array([[(3 * row + 7 * at + 1) % 30 / 30 for at in range(10)] for row in range(3)])


def unbalances(engine: NumpyEngine) -> list[float]:
    """Of each block, how unevenly its experts are used by the case's documents."""
    batch = Batches.of([DOCS])
    plan = nm.layout(batch.offsets[:-1], np.diff(batch.offsets) - 1)
    tokens = batch.tokens[plan.rows]
    done = blocks.forward_documents(engine.w, tokens, plan.positions, plan.groups)
    return blocks.unbalances(done)


def norm(arrays: Arrays) -> float:
    return float(np.sqrt(sum(np.square(array).sum() for array in arrays.values())))


def _trained(changes: dict[str, Any], recipe: dict[str, Any]) -> Json:
    engine = loaded({**changes, **recipe})
    lrs = [engine.config.lr] * STEPS
    losses = engine.steps(Batches.of([DOCS] * STEPS), lrs, 0)
    return {**recipe, "losses": losses, "grad_norms": engine.found()["grad_norm"]}


def made() -> Json:
    cases, changes = [], dict(BASE)
    for name, why, more in CHAIN:
        changes |= more
        cases.append(_case(name, why, changes))
    return {
        "about": "Models that differ from the case before by one switch. Weights: in the order of "
        "shapes, row by row, each 0.5 (2u - 1), plus 1 in a gain (a name in norm), u the next "
        "draw of a stream seeded with 17; ends has the first and the last number. Gradients, "
        "losses and steps are those of all docs together, logits those of the first one.",
        "seed": SEED,
        "docs": DOCS,
        "position_weights": WEIGHTS,
        "uniforms": draws().tolist(),
        "prefixes": [[], [2], [0, 1]],
        "cases": cases,
    }


FILES = {"blocks": made}

"""Vectors of training: ten optimiser steps, and the losses of both presets' whole runs."""

from __future__ import annotations

import hashlib
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from conformance.reference import (
    OPTIMIZER,
    Json,
    checksums,
    engine,
    lists,
    model,
    run,
    shape_of,
)

from microgpt.config import PRESETS
from microgpt.engines.base import Arrays, Batches
from microgpt.engines.drawing import Sampler
from microgpt.engines.scalar import ScalarEngine
from microgpt.evaluation import mean_loss
from microgpt.stream import uniforms

STEPS = 10
Weigh = Callable[[list[list[int]]], tuple[list[list[float]], int]]


def weights_digest(weights: Arrays) -> str:
    """SHA-256 of all weights as little-endian float64, matrix after matrix, row by row."""
    return hashlib.sha256(b"".join(w.astype("<f8").tobytes() for w in weights.values())).hexdigest()


def random_docs(seed: int, config: Any, count: int) -> list[list[int]]:
    """Documents of all lengths from 0 to block_size letters, BOS around them, cut to the block."""
    rng = random.Random(seed)
    bos = config.vocab_size - 1
    docs = []
    for _ in range(count):
        letters = [rng.randrange(bos) for _ in range(rng.randrange(config.block_size + 1))]
        docs.append([bos, *letters, bos][: config.block_size + 1])
    return docs


def _case(
    name: str,
    why: str,
    which: str,
    batch: int = 1,
    *,
    docs: list[list[int]] | None = None,
    positions: int | None = None,
    weigh: Weigh | None = None,
    after: Json | None = None,
    full: bool = True,
    **changes: Any,
) -> Json:
    """Ten steps of the scalar engine. ``after``: the case whose end state this one starts from.

    ``weigh``: from a step's documents to their weights and what their sum is divided by.
    """
    made = engine(which, **({} if which in PRESETS else {"steps": 2 * STEPS, **changes}))
    config = made.config
    first = 0
    if after is not None:
        first = STEPS
        steps = after["_engine"].state()
        made.load(config, "float64", *steps)
    docs = docs or random_docs(len(name), config, STEPS * batch)
    steps_docs = [docs[s * batch : (s + 1) * batch] for s in range(STEPS)]
    lines = []
    for i, here in enumerate(steps_docs):
        one = Batches.of([here])
        if positions is not None:
            one = Batches(one.tokens, one.offsets, one.documents, np.array([positions]))
        given = {}
        if weigh is not None:
            given["weights"], divisor = weigh(here)
            flat = np.array([weight for doc in given["weights"] for weight in doc])
            one = Batches(one.tokens, one.offsets, one.documents, np.array([divisor]), flat)
        lr = config.lr_at(first + i)
        (loss,) = made.steps(one, [lr], first + i)
        line = {"docs": here, **given, "positions": int(one.positions[0]), "lr": lr, "loss": loss}
        lines.append(line)
    weights, optim = made.state()
    kind = lists if full else checksums
    end = {"weights": kind(weights)}
    if optim.m:
        end |= {"m": kind(optim.m), "v": kind(optim.v)}
    return {
        "name": name,
        "why": why,
        "model": which,
        "optimizer": {key: getattr(config, key) for key in OPTIMIZER},
        "first_step": first,
        **({"after": after["name"]} if after else {}),
        "steps": lines,
        "end" if full else "end_checksums": end,
        "_engine": made,
    }


def steps() -> Json:
    adam = _case("adam_tiny", "one document a step, linear decay", "tiny", lr=0.05)
    preset = {p: run(p).order.batches(0, STEPS).docs(0, STEPS) for p in PRESETS}
    cases = [
        adam,
        _case(
            "adam_tiny_on",
            "steps 11 to 20: moments and step number are carried on, so the correction of the "
            "bias goes on and doesn't start again",
            "tiny",
            after=adam,
            lr=0.05,
        ),
        _case(
            "adam_small",
            "two layers, three documents a step, other betas, eps large enough to be seen, warmup "
            "and cosine",
            "small",
            3,
            beta1=0.9,
            beta2=0.95,
            eps=1e-3,
            schedule="cosine",
            warmup=4,
        ),
        _case(
            "adam_tiny_part",
            "a part of a batch of 40 positions: the loss is divided by 40, whatever is here",
            "tiny",
            2,
            positions=40,
        ),
        _case("sgd_tiny", "w - lr * gradient, no moments", "tiny", optimizer="sgd", lr=0.1),
        _case("sgd_small", "the same on two layers", "small", 2, optimizer="sgd", lr=0.1),
        _case(
            "final",
            "the first ten steps of the reference run",
            "final",
            docs=preset["final"],
            full=False,
        ),
        _case(
            "early",
            "the first ten steps of preset early: attention and MLP wake up from 0",
            "early",
            docs=preset["early"],
            full=False,
        ),
    ]
    for case in cases:
        del case["_engine"]
    return {
        "about": "Ten steps of training: documents, divisor and learning rate in, each step's "
        "loss (before its update) and the end state out; of the presets four numbers a matrix.",
        "cases": cases,
    }


def weighted_steps() -> Json:
    rng = random.Random(15)

    def answers(docs: list[list[int]]) -> tuple[list[list[float]], int]:
        weights = []
        for doc in docs:
            prompt = rng.randrange(len(doc))
            weights.append([float(at >= prompt) for at in range(len(doc) - 1)])
        return weights, max(1, sum(w > 0 for doc in weights for w in doc))

    def advantages(docs: list[list[int]]) -> tuple[list[list[float]], int]:
        drawn = [round(rng.gauss(-0.2, 0.5), 3) for _ in docs]
        return [[x] * (len(doc) - 1) for x, doc in zip(drawn, docs, strict=True)], len(docs)

    def anything(docs: list[list[int]]) -> tuple[list[list[float]], int]:
        weights = [[rng.choice([0.0, 1.0, rng.gauss(0, 1)]) for _ in doc[1:]] for doc in docs]
        weights[1] = [0.0] * len(weights[1])
        return weights, sum(map(len, weights))

    cases = [
        _case(
            "weighted_adam_tiny",
            "answers alone are trained on: weights 0 before, 1 from there on, divided by the "
            "number of ones; a document may be prompt from end to end",
            "tiny",
            3,
            weigh=answers,
            lr=0.05,
        ),
        _case(
            "weighted_sgd_tiny",
            "a weight for each sample, positive or negative, divided by the number of samples: "
            "losses below 0 are no fault",
            "tiny",
            2,
            weigh=advantages,
            optimizer="sgd",
            lr=0.02,
        ),
        _case(
            "weighted_adam_small",
            "two layers, weights of any sign, the middle one of three documents with zeros alone",
            "small",
            3,
            weigh=anything,
        ),
        _case(
            "weighted_final",
            "the shape of the published run, for which an engine may have code of its own",
            "final",
            3,
            docs=run("final").order.batches(0, 3 * STEPS).docs(0, 3 * STEPS),
            weigh=anything,
            full=False,
        ),
    ]
    for case in cases:
        del case["_engine"]
    return {
        "about": "Ten steps as in steps.json, where -log p of each position is multiplied by a "
        "weight (weights, a list for each document) before the sum is divided by positions.",
        "cases": cases,
    }


# ---------------------------------------------------------------- whole runs, minutes each


def full_run(preset: str) -> tuple[Json, ScalarEngine]:
    """The whole run of a preset in the scalar engine, its held-out loss and its 20 samples."""
    start = run(preset)
    config = start.config
    made = ScalarEngine()
    made.load(config, "float64", start.weights)
    begun = time.monotonic()
    losses = []
    for step in range(config.steps):
        losses += made.steps(start.order.batches(step, 1), [config.lr_at(step)], step)
        if step % 100 == 99:
            print(f"{preset}: step {step + 1}, {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return _end(preset, made, losses), made


def _end(preset: str, made: ScalarEngine, losses: list[float]) -> Json:
    start = run(preset)
    config = start.config
    loss, tokens = mean_loss(made, start.docs[config.steps :], start.tokenizer)
    weights = made.state()[0]
    draws = uniforms(_copy(start.rng), 20 * config.block_size).reshape(20, -1)
    taken, used = made.sample([[]] * 20, Sampler(0.5), draws)
    return {
        "name": preset,
        "why": {
            "final": "the reference run; printed, its first losses are 3.3660 3.4243 3.1778",
            "early": "the other published recipe, of which only its end is known: 2.4525 held out",
        }[preset],
        "preset": preset,
        "seed": config.seed,
        "data": "names",
        "data_sha256": start.sha256,
        "config": {**shape_of(config), **{key: getattr(config, key) for key in OPTIMIZER},
                   "lr": config.lr, "schedule": config.schedule, "steps": config.steps},
        "losses": losses,
        "held_out": {"split": "unused", "loss": loss, "tokens": tokens},
        "samples": [start.tokenizer.decode(t) for t in taken],
        "draws": used,
        "end_sha256": weights_digest(weights),
        "end_checksums": checksums(weights),
    }  # fmt: skip


def _copy(rng: random.Random) -> random.Random:
    copy = random.Random()
    copy.setstate(rng.getstate())
    return copy


def losses() -> tuple[Json, Json]:
    """losses.json and trained.json; several minutes."""
    cases, trained = [], None
    for preset in PRESETS:
        case, made = full_run(preset)
        cases.append(case)
        if preset == "final":
            trained = made
    assert trained is not None
    return losses_file(cases), trained_file(trained.state()[0])


def losses_file(cases: list[Json]) -> Json:
    return {
        "about": "Every loss of both presets' runs by the scalar engine, seed 42, the bundled "
        "names, float64; held-out loss over the names never reached; the 20 samples that follow.",
        "cases": cases,
    }


def trained_file(weights: Arrays) -> Json:
    config, _ = model("final")
    return {
        "about": "The weights at the end of the reference run, for the vectors of sampling.",
        "cases": [
            {
                "name": "trained",
                "why": "preset final, seed 42, after 1,000 steps of the scalar engine",
                "config": shape_of(config),
                "weights": lists(weights),
            }
        ],
    }


FILES = {"steps": steps, "weighted_steps": weighted_steps}
SLOW = ("losses", "trained")

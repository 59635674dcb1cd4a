"""Vectors of sampling: one choice from given logits, and whole samples from given draws."""

from __future__ import annotations

import itertools
import random
from typing import Any
from unittest import mock

import numpy as np
from conformance.reference import Json, engine, run

from microgpt.engines import drawing
from microgpt.engines.drawing import Guard, Sampler, choose, distribution

MARGIN = 1e-7
"""No draw lies closer to an edge between two tokens, so that every float64 engine agrees."""


def guard_of(content: Json | None) -> Guard | None:
    """The guard that a case describes by lists."""
    if content is None:
        return None
    return Guard(np.array(content["next"], np.int32), np.array(content["banned"], bool))


def distributions() -> Json:
    table: list[tuple[str, str, Json]] = [
        ("plain", "softmax of the logits, two of them equal", {}),
        ("cold", "logits / 0.5: the same as squaring the probabilities", {"temperature": 0.5}),
        ("coldest", "the lowest temperature: no overflow, ties stay ties", {"temperature": 0.001}),
        ("hottest", "the highest: almost evenly spread", {"temperature": 1000.0}),
        ("top_1", "greedy; a tie goes to the lower id", {"top_k": 1}),
        ("top_2", "both of the tie", {"top_k": 2}),
        ("top_all", "k above the vocabulary keeps all", {"top_k": 9}),
        ("nucleus_tie", "p is reached by the first of two equals", {"top_p": 0.4}),
        ("nucleus", "the fewest most probable that reach p", {"top_p": 0.9}),
        ("nucleus_one", "p = 1 keeps all", {"top_p": 1.0}),
        ("nucleus_tiny", "at least one stays", {"top_p": 1e-9}),
        ("both", "top_k first; p is a share of what k left", {"top_k": 3, "top_p": 0.46}),
        (
            "nucleus_exact",
            "two quarters are a half: p is reached by equality",
            {"top_p": 0.5, "logits": [0.0] * 4},
        ),
        (
            "banned",
            "banned tokens get 0; the softmax is over the others",
            {"banned": [0, 1, 0, 0, 0]},
        ),
        (
            "banned_top",
            "banned before top_k and top_p: the rest fills up",
            {"banned": [0, 1, 0, 1, 0], "top_k": 2, "top_p": 0.5},
        ),
        (
            "banned_peak",
            "the others underflow beside the banned token, unless it is left out of the softmax",
            {"banned": [0, 1, 0, 0, 0], "logits": [1.0, 900.0, -2.0, 3.0, 0.5]},
        ),
        ("only_one_left", "all others banned", {"banned": [1, 1, 0, 1, 1]}),
    ]
    draws = [0.0, 0.25, 0.5, 0.75, 0.999]
    cases = []
    for name, why, changes in table:
        settings = {
            "logits": [1.0, 3.0, -2.0, 3.0, 0.5],
            "temperature": 1.0,
            "top_k": None,
            "top_p": None,
            "banned": None,
            **changes,
        }
        logits = np.array(settings["logits"])
        banned = None if settings["banned"] is None else np.array(settings["banned"], bool)
        args = (settings["temperature"], settings["top_k"], settings["top_p"], banned)
        cases.append(
            {
                "name": name,
                "why": why,
                **settings,
                "probs": distribution(logits, *args),
                "choices": [[u, choose(logits, u, *args)] for u in draws],
            }
        )
    return {
        "about": "From logits to the numbers that a token is drawn by, and the tokens that some "
        "draws take. A ban leaves a token out of the softmax; after top_k and top_p nothing is "
        "rescaled.",
        "cases": cases,
    }


class _Watched:
    """``choose``, noting how close each draw came to another token."""

    def __init__(self) -> None:
        self.closest = 1.0

    def __call__(self, logits: Any, uniform: float, *args: Any) -> int:
        probs = distribution(logits, *args)
        sums = list(itertools.accumulate(probs))
        edges = [s for s, p in zip(sums[:-1], probs[1:], strict=True) if 0 < s < sums[-1]]
        self.closest = min([self.closest, *(abs(uniform - s / sums[-1]) for s in edges)])
        return choose(logits, uniform, *args)


def sampling() -> Json:
    free = {"next": [[0] * 27], "banned": [[0] * 27]}
    no_an = {
        "next": [[1 if t == 0 else 0 for t in range(27)]] * 2,
        "banned": [[0] * 27, [1 if t == 13 else 0 for t in range(27)]],
    }
    three_then_end = {  # tiny: exactly three letters, never the same twice in a row
        "next": [[1, 2, 3, 0]] * 1 + [[4, 5, 6, 0]] * 3 + [[7, 7, 7, 0]] * 3 + [[7, 7, 7, 0]],
        "banned": [
            [0, 0, 0, 1],
            *[[int(t == last) for t in range(3)] + [1] for last in range(3)],
            *[[int(t == last) for t in range(3)] + [1] for last in range(3)],
            [1, 1, 1, 0],
        ],
    }
    kam = [10, 0, 12]
    # name, model, why, samples or prefixes, length, other settings
    table: list[tuple[str, str, str, Any, int, Json]] = [
        ("published", "trained", "the 20 names of the reference run, from its own stream", 20, 16,
         {"temperature": 0.5, "seed": None}),
        ("seed_42", "trained", "the second rule: Python's seed(42) with nothing drawn before", 8,
         16, {"temperature": 0.5}),
        ("rows", "trained", "sample i owns draws i*M to i*M + M-1, used or not", 8, 16,
         {"temperature": 0.5, "order": "rows"}),
        ("hot", "trained", "temperature 2", 4, 16, {"temperature": 2.0}),
        ("greedy", "trained", "top_k 1: draws are used up, and change nothing", 2, 16,
         {"top_k": 1}),
        ("top_k", "trained", "three letters at every step", 4, 16, {"top_k": 3}),
        ("top_p", "trained", "a nucleus of 0.7", 4, 16, {"top_p": 0.7}),
        ("prefix", "trained", "forced letters draw nothing", [kam] * 3, 16, {"temperature": 0.5}),
        ("prefixes", "trained", "each sample with its own, one of them empty", [[0], [], kam, [25]],
         16, {"temperature": 0.7}),
        ("prefixes_rows", "trained", "in rows the first draw of a row is used after the prefix",
         [[0], [], kam, [25]], 16, {"temperature": 0.7, "order": "rows"}),
        ("prefix_full", "trained", "a prefix as long as M draws nothing, a longer one is cut",
         [kam * 2, kam, [0]], 3, {}),
        ("one_token", "trained", "M = 1", 6, 1, {}),
        ("beyond_block", "tiny", "longer than the block: the model sees the last 5 tokens, at "
         "positions 0 to 4", 3, 16, {"temperature": 2.0, "top_k": 3}),
        ("beyond_block_rows", "small", "the same in rows, on two layers", 3, 20,
         {"temperature": 3.0, "order": "rows"}),
        ("prefix_beyond", "tiny", "a prefix longer than the block", [[0, 1, 2, 0, 1, 2, 0]], 12,
         {"temperature": 2.0}),
        ("guard_free", "trained", "a guard that forbids nothing changes nothing (see seed_42)", 8,
         16, {"temperature": 0.5, "guard": free}),
        ("guard_an", "trained", "no n after a; forced letters move the guard too",
         [[], [], [0], [10, 0]], 16, {"temperature": 0.5, "guard": no_an}),
        ("guard_length", "tiny", "exactly three letters, no two alike in a row: BOS is banned, "
         "then alone allowed", 4, 5, {"guard": three_then_end}),
        ("guard_rows", "tiny", "each row starts the guard anew", 4, 5,
         {"guard": three_then_end, "order": "rows", "top_k": 2, "temperature": 1.5}),
    ]  # fmt: skip
    cases = []
    for name, which, why, wanted, most, changes in table:
        prefixes = [[]] * wanted if isinstance(wanted, int) else wanted
        settings = {
            "temperature": 1.0, "top_k": None, "top_p": None, "order": "sequential",
            "guard": None, "seed": 42, **changes,
        }  # fmt: skip
        rng = random.Random(settings["seed"])
        if settings["seed"] is None:
            rng.setstate(run("final").rng.getstate())
        draws = [[rng.random() for _ in range(most)] for _ in prefixes]
        watched = _Watched()
        with mock.patch.object(drawing, "choose", watched):
            tokens, used = engine(which).sample(
                prefixes,
                Sampler(
                    settings["temperature"],
                    settings["top_k"],
                    settings["top_p"],
                    settings["order"],
                    guard_of(settings["guard"]),
                ),
                np.array(draws),
            )
        assert watched.closest > MARGIN, (name, watched.closest)
        flat = [u for row in draws for u in row][:used]
        needed = draws if settings["order"] == "rows" else flat
        cases.append(
            {
                "name": name,
                "why": why,
                "model": which,
                **{key: settings[key] for key in settings if key != "guard"},
                "length": most,
                "prefixes": prefixes,
                "guard": settings["guard"],
                "uniforms": needed,
                "tokens": tokens,
                "used": used,
            }
        )
    return {
        "about": "Whole samples from given draws in [0, 1), and how many draws were used. uniforms "
        "is [samples, length] for rows, else the draws used, one after the other (more follow). "
        "seed: where they come from; null is the reference run's stream after training. Exact in "
        f"float64: no draw is closer than {MARGIN:g} to another token.",
        "cases": cases,
    }


FILES = {"distribution": distributions, "sampling": sampling}

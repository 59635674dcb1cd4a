"""What an engine must do, as functions: each takes an engine's class and raises where it is wrong.

The tests, the seeded bugs of tests/test_mutants.py and ``generate.py --measure`` run this very
code. A check returns the engine's largest distance from the vectors, by the kinds of
tolerances.json. Distances are absolute for numbers below 1, relative above; those of losses are
absolute. ``names``: the cases to check, None for all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

import numpy as np
from conformance import vectorfile
from conformance.reference import uniform_weights

from microgpt import trace
from microgpt.batches import Order, TokenTable
from microgpt.config import PRESETS, Config, make_config
from microgpt.data import load_data
from microgpt.engines import ENGINES, engine_class
from microgpt.engines.base import Batches, Engine, Optim
from microgpt.engines.drawing import Guard, Sampler
from microgpt.evaluation import mean_loss
from microgpt.sampling import sample
from microgpt.tokenizer import Tokenizer
from microgpt.training import begin

Make = type[Engine]
Worst = dict[str, float]
Named = dict[str, Any]
Check = Callable[[Make, str, Collection[str] | None], Worst]

ABSOLUTE = ("losses_final", "losses_early", "held_out")
"""Kinds whose distance is absolute, whatever the size of the numbers."""


class Wrong(AssertionError):
    """An engine doesn't match the vectors."""


# ---------------------------------------------------------------- helpers


@cache
def limits() -> dict[str, dict[str, float]]:
    """The tolerance of each check by dtype."""
    content = json.loads((vectorfile.HERE / "tolerances.json").read_text("utf-8"))
    return {
        dtype: {name: entry["limit"] for name, entry in content[dtype].items()}
        for dtype in ("float64", "float32")
    }


class Judge:
    """Compares with the tolerances of a dtype and keeps the largest distance of each kind."""

    def __init__(self, dtype: str) -> None:
        self.limits = limits()[dtype]
        self.worst: dict[str, float] = {}

    def near(self, kind: str, what: str, expected: Any, got: Any) -> None:
        """Raise ``Wrong`` if shapes differ or numbers are further apart than ``kind`` may be."""
        e, g = np.asarray(expected, dtype=np.float64), np.asarray(got, dtype=np.float64)
        if e.shape != g.shape:
            raise Wrong(f"{what}: has shape {g.shape}, must be {e.shape}")
        if not e.size:
            return
        apart = np.abs(e - g) / (1.0 if kind in ABSOLUTE else np.maximum(1.0, np.abs(e)))
        at = tuple(int(i) for i in np.unravel_index(int(np.argmax(apart)), e.shape))  # NaN first
        limit = self.limits[kind]
        if not apart[at] <= limit:
            raise Wrong(
                f"{what}: {g[at]!r} at {at}, must be {e[at]!r}; "
                f"off by {apart[at]:.3g}, allowed is {limit:.3g}"
            )
        self.worst[kind] = max(self.worst.get(kind, 0.0), float(apart[at]))

    def near_all(self, kind: str, what: str, expected: Named, got: Named) -> None:
        """``near`` for arrays by name, which must be the same names in the same order."""
        if list(expected) != list(got):
            raise Wrong(f"{what}: has {list(got)}, must have {list(expected)}")
        for name in expected:
            self.near(kind, f"{what}.{name}", expected[name], got[name])


def _cases(names: Collection[str] | None, *files: str) -> Iterator[dict[str, Any]]:
    for file in files:
        for name, case in vectorfile.cases(file).items():
            if names is None or name in names:
                yield case


def _flat(weights: list[list[float]]) -> list[float]:
    return [weight for doc in weights for weight in doc]


def model(name: str, **changes: Any) -> tuple[Config, dict[str, Any]]:
    """Configuration and weights of a model in the vector files."""
    case = vectorfile.cases("trained" if name == "trained" else "models")[name]
    return make_config(**{**case["config"], **changes}), case["weights"]


def loaded(make: Make, dtype: str, name: str, **changes: Any) -> Engine:
    """A new engine with a model of the vector files."""
    config, weights = model(name, **changes)
    return _load(make, dtype, config, weights)


def _load(
    make: Make, dtype: str, config: Config, weights: Any, optim: Optim | None = None
) -> Engine:
    engine = make()
    engine.load(config, dtype, _arrays(weights, dtype), optim)
    return engine


def _arrays(lists: Any, dtype: str) -> dict[str, Any]:
    return {name: np.array(rows, dtype=dtype) for name, rows in lists.items()}


# ---------------------------------------------------------------- forward and backward


def check_logits(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Logits of each case's tokens, alone and several lists of different lengths in one call."""
    judge = Judge(dtype)
    for case in _cases(names, "forward"):
        engine = loaded(make, dtype, case["model"])
        tokens = case["tokens"][: engine.config.block_size]
        rows = case["trace"]["logits"]
        cuts = [len(tokens), 1, max(1, len(tokens) - 1), len(tokens)]
        for cut, got in zip(cuts, engine.logits([tokens[:cut] for cut in cuts]), strict=True):
            judge.near("forward", f"logits of {case['name']}", rows[:cut], got)
    return judge.worst


def check_trace(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Every intermediate: names, their order, shapes and values."""
    judge = Judge(dtype)
    for case in _cases(names, "forward"):
        engine = loaded(make, dtype, case["model"])
        got = engine.trace(case["tokens"])
        tokens = case["tokens"]
        shapes = trace.shapes(engine.config, min(len(tokens), engine.config.block_size))
        if list(got) != [*shapes, "loss"]:
            raise Wrong(f"trace of {case['name']} has {list(got)}, must have {[*shapes, 'loss']}")
        for name, shape in shapes.items():
            if got[name].shape != shape:
                raise Wrong(f"trace {name}: has shape {got[name].shape}, must be {shape}")
        kept = {name: got[name] for name in case["trace"]}
        judge.near_all("forward", f"trace of {case['name']}", case["trace"], kept)
    return judge.worst


def check_toy(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """The toy GPT's intermediates at all three positions."""
    content = vectorfile.load("toy_gpt")
    engine = _load(make, dtype, make_config(**content["config"]), content["weights"])
    case = vectorfile.cases("toy_gpt")["BOS_a_b"]
    got = engine.trace(case["tokens"])
    judge = Judge(dtype)
    judge.near_all("forward", "toy GPT", case["trace"], got)
    return judge.worst


def check_gradients(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Loss and every parameter's gradient, twice (nothing may be left over from the first time)."""
    judge = Judge(dtype)
    for case in _cases(names, "gradients", "weighted_gradients"):
        engine = loaded(make, dtype, case["model"])
        for _ in range(2 if case["model"] == "tiny" else 1):
            weights = _flat(case["weights"]) if "weights" in case else None
            loss, grads = engine.grads(case["docs"], weights)
            what = f"gradients of {case['name']}"
            judge.near("gradients", f"{what}: loss", case["loss"], loss)
            judge.near_all("gradients", what, case["grads"], grads)
            moved = bool(loss) or any(array.any() for array in grads.values())
            if weights is not None and not any(weights) and moved:
                raise Wrong(f"{what}: not exactly 0, though all weights are")
    return judge.worst


# ---------------------------------------------------------------- training


def _batches(steps: list[dict[str, Any]]) -> Batches:
    plain = Batches.of([step["docs"] for step in steps])
    positions = np.array([step["positions"] for step in steps], dtype=np.int64)
    weights = None
    if "weights" in steps[0]:
        weights = np.array([weight for step in steps for weight in _flat(step["weights"])])
    return Batches(plain.tokens, plain.offsets, plain.documents, positions, weights)


def _starting(make: Make, dtype: str, case: dict[str, Any]) -> Engine:
    """An engine at the beginning of a case of steps.json."""
    names = {"name": "optimizer"}
    recipe = {names.get(key, key): value for key, value in case["optimizer"].items()}
    config, weights = model(case["model"], **recipe)
    optim = None
    if "after" in case:
        end = vectorfile.cases("steps")[case["after"]]["end"]
        weights = end["weights"]
        optim = Optim(_arrays(end["m"], dtype), _arrays(end["v"], dtype), case["first_step"])
    return _load(make, dtype, config, weights, optim)


def check_steps(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Ten steps in one call: losses, weights, moments."""
    judge = Judge(dtype)
    for case in _cases(names, "steps", "weighted_steps"):
        what = f"steps of {case['name']}"
        engine = _starting(make, dtype, case)
        lrs = [step["lr"] for step in case["steps"]]
        got = engine.steps(_batches(case["steps"]), lrs, case["first_step"])
        judge.near("steps", f"{what}: loss", [step["loss"] for step in case["steps"]], got)
        weights, optim = engine.state()
        if optim.step != case["first_step"] + len(lrs):
            raise Wrong(f"{what}: optimiser is at step {optim.step}")
        state = {"weights": weights, **({"m": optim.m, "v": optim.v} if optim.m else {})}
        if "end" in case:
            if list(state) != list(case["end"]):
                raise Wrong(f"{what}: state has {list(state)}, must have {list(case['end'])}")
            for part, arrays in state.items():
                judge.near_all("steps", f"{what}: {part}", case["end"][part], arrays)
            continue
        for part, expected in case["end_checksums"].items():
            judge.near_all("checksums", f"{what}: {part}", *_summed(expected, state[part]))
    return judge.worst


def _summed(expected: dict[str, Any], arrays: dict[str, Any]) -> tuple[Any, Any]:
    """Checksums of both sides as lists by name."""
    got = {
        name: [a.sum(dtype=np.float64), np.square(a, dtype=np.float64).sum(), a.flat[0], a.flat[-1]]
        for name, a in arrays.items()
    }
    return {name: list(four.values()) for name, four in expected.items()}, got


def check_split(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Cutting a call in pieces, or saving and loading between them, changes no bit."""
    some = ("adam_tiny_on", "adam_tiny_part", "sgd_tiny", "weighted_adam_tiny")
    chosen = [name for name in some if names is None or name in names]
    for case in _cases(chosen, "steps", "weighted_steps"):
        lrs = [step["lr"] for step in case["steps"]]
        first = case["first_step"]
        whole = _starting(make, dtype, case)
        losses = whole.steps(_batches(case["steps"]), lrs, first)
        piece = _starting(make, dtype, case)
        got = []
        for a, b in ((0, 1), (1, 4), (4, len(lrs))):
            got += piece.steps(_batches(case["steps"][a:b]), lrs[a:b], first + a)
            weights, optim = piece.state()
            piece = _load(make, dtype, piece.config, weights, optim)
        if got != losses:
            raise Wrong(f"steps of {case['name']} in pieces: losses {got}, must be {losses}")
        (w, o), (x, p) = whole.state(), piece.state()
        for name in w:
            for a, b in ((w, x), (o.m, p.m), (o.v, p.v)):
                if a and not np.array_equal(a[name], b[name]):
                    raise Wrong(f"steps of {case['name']} in pieces: {name} differs")
    return {}


# ---------------------------------------------------------------- sampling


def guard_of(content: dict[str, Any] | None) -> Guard | None:
    """The guard that a case of sampling.json describes by lists."""
    if content is None:
        return None
    return Guard(np.array(content["next"], np.int32), np.array(content["banned"], bool))


def check_sampling(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """The very tokens, and how many draws they took. Only float64 promises this."""
    if dtype != "float64":
        return {}
    for case in _cases(names, "sampling"):
        engine = loaded(make, dtype, case["model"])
        samples, most = len(case["prefixes"]), case["length"]
        draws = np.full(samples * most, 0.5)  # what comes after the draws that are used
        given = np.array(case["uniforms"], dtype=np.float64).reshape(-1)
        draws[: len(given)] = given
        tokens, used = engine.sample(
            case["prefixes"],
            Sampler(
                case["temperature"],
                case["top_k"],
                case["top_p"],
                case["order"],
                guard_of(case["guard"]),
            ),
            draws.reshape(samples, most),
        )
        tokens = [[int(t) for t in sample] for sample in tokens]
        if tokens != case["tokens"]:
            raise Wrong(f"samples of {case['name']}: {tokens}, must be {case['tokens']}")
        if used != case["used"]:
            raise Wrong(f"samples of {case['name']} use {used} draws, must be {case['used']}")
    return {}


# ---------------------------------------------------------------- other blocks


def block_engine(make: Make, dtype: str, case: Named, **recipe: Any) -> Engine | None:
    """A new engine with a model of blocks.json; None where it doesn't support that one."""
    config = make_config(**{**case["config"], **recipe})
    if make.supports(config, dtype) is not None:
        return None
    return _load(make, dtype, config, uniform_weights(config, vectorfile.load("blocks")["seed"]))


def check_blocks(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Logits, loss, gradients, weighted loss and samples of the models in blocks.json."""
    judge, shared = Judge(dtype), vectorfile.load("blocks")
    docs = shared["docs"]
    for case in _cases(names, "blocks"):
        engine = block_engine(make, dtype, case)
        if engine is None:
            continue
        what = f"block {case['name']}"
        judge.near("forward", f"{what}: logits", case["logits"], engine.logits([docs[0][:-1]])[0])
        loss, grads = engine.grads(docs)
        judge.near("gradients", f"{what}: loss", case["loss"], loss)
        judge.near_all("gradients", f"{what}: gradients", case["grads"], grads)
        loss, grads = engine.grads(docs, _flat(shared["position_weights"]))
        norm = math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in grads.values()))
        expected = list(case["weighted"].values())
        judge.near("gradients", f"{what}: weighted loss, gradient norm", expected, [loss, norm])
        if dtype == "float64":
            uniforms = np.array(shared["uniforms"])
            got, _ = engine.sample(shared["prefixes"], Sampler(order="rows"), uniforms)
            tokens = [[int(t) for t in one] for one in got]
            if tokens != case["samples"]:
                raise Wrong(f"{what}: samples {tokens}, must be {case['samples']}")
    return judge.worst


def check_block_steps(make: Make, dtype: str, names: Collection[str] | None = None) -> Worst:
    """Losses of four steps under AdamW and Muon; the norms of gradients where an engine has them.

    In one call, and in two with the state handed over in between.
    """
    judge, docs = Judge(dtype), vectorfile.load("blocks")["docs"]
    for case in _cases(names, "blocks"):
        for training in case["training"]:
            recipe = {k: v for k, v in training.items() if k not in ("losses", "grad_norms")}
            engine = block_engine(make, dtype, case, **recipe)
            if engine is None:
                continue
            what = f"{recipe['optimizer']} steps of block {case['name']}"
            count = len(training["losses"])
            got = engine.steps(Batches.of([docs] * count), [recipe["lr"]] * count, 0)
            judge.near("steps", f"{what}: losses", training["losses"], got)
            norms = engine.found().get("grad_norm", training["grad_norms"])
            judge.near("steps", f"{what}: gradient norms", training["grad_norms"], norms)
            piece = block_engine(make, dtype, case, **recipe)
            assert piece is not None
            first = piece.steps(Batches.of([docs] * 2), [recipe["lr"]] * 2, 0)
            piece = _load(make, dtype, piece.config, *piece.state())
            rest = [recipe["lr"]] * (count - 2)
            if first + piece.steps(Batches.of([docs] * len(rest)), rest, 2) != got:
                raise Wrong(f"{what}: in pieces they differ")
    return judge.worst


# ---------------------------------------------------------------- whole runs


@cache
def _names(preset: str) -> tuple[list[str], Tokenizer, Order]:
    start = begin(make_config(preset), load_data("names"))
    table = TokenTable(start.docs, start.tokenizer)
    return start.docs, start.tokenizer, Order(table, start.config, start.rng)


def trained_to(make: Make, dtype: str, preset: str, steps: int) -> tuple[Engine, list[float]]:
    """The engine after the first steps of a preset's run, and its losses."""
    config = make_config(preset)
    weights = vectorfile.cases("models")[preset]["weights"]
    engine = _load(make, dtype, config, weights)
    lrs = [config.lr_at(step) for step in range(steps)]
    return engine, engine.steps(_names(preset)[2].batches(0, steps), lrs, 0)


def check_losses(make: Make, dtype: str, preset: str, steps: int | None = None) -> Worst:
    """The losses of a preset's run, all or the first ``steps``."""
    judge = Judge(dtype)
    expected = vectorfile.cases("losses")[preset]["losses"][:steps]
    _, got = trained_to(make, dtype, preset, len(expected))
    judge.near(f"losses_{preset}", f"losses of {preset}", expected, got)
    return judge.worst


def check_run(make: Make, dtype: str, preset: str) -> Worst:
    """The whole run: losses, held-out loss, end weights by their checksums, samples in float64."""
    judge = Judge(dtype)
    case = vectorfile.cases("losses")[preset]
    engine, got = trained_to(make, dtype, preset, len(case["losses"]))
    judge.near(f"losses_{preset}", f"losses of {preset}", case["losses"], got)
    docs, tokenizer, _ = _names(preset)
    loss, tokens = mean_loss(engine, docs[len(got) :], tokenizer)
    if tokens != case["held_out"]["tokens"]:
        raise Wrong(f"held-out loss of {preset} is over {tokens} tokens")
    judge.near("held_out", f"held-out loss of {preset}", case["held_out"]["loss"], loss)
    sums = _summed(case["end_checksums"], engine.state()[0])
    judge.near_all(f"end_{preset}", f"end of {preset}", *sums)
    if dtype == "float64":
        texts = sample(engine, tokenizer, begin(make_config(preset), load_data("names")).rng)
        if texts != case["samples"]:
            raise Wrong(f"samples of {preset}: {texts}, must be {case['samples']}")
    return judge.worst


FAST = (
    "tiny_full", "tiny_batch", "tiny_empty", "tiny_one", "tiny_same", "small_full", "early_short",
    "small_batch", "adam_tiny", "adam_tiny_on", "adam_tiny_part", "sgd_tiny", "beyond_block",
    "prefix_beyond", "guard_length", "guard_rows", "prefix_full", "weighted_one",
    "weighted_prompt", "weighted_negative", "weighted_batch", "weighted_last_zero",
    "weighted_nothing", "weighted_small", "weighted_adam_tiny", "weighted_sgd_tiny",
    "weighted_adam_small",
)  # fmt: skip
"""The cases of small models, which even the scalar engine does in seconds."""

CHECKS: dict[str, Check] = {
    "toy": check_toy,
    "logits": check_logits,
    "trace": check_trace,
    "gradients": check_gradients,
    "sampling": check_sampling,
    "steps": check_steps,
    "split": check_split,
    "blocks": check_blocks,
    "block_steps": check_block_steps,
}
"""All checks but the whole runs, the quickest first."""


def measure() -> Iterator[str]:
    """How far each engine is from the vectors, a line for each check, dtype and kind."""
    for engine in ENGINES:
        make = engine_class(engine)
        for dtype in ("float64", "float32"):
            if make.supports(make_config(), dtype):
                continue
            found = {name: check(make, dtype, None) for name, check in CHECKS.items()}
            if engine != "scalar":  # whose runs are the vectors
                found |= {preset: check_run(make, dtype, preset) for preset in PRESETS}
            for name, worst in found.items():
                for kind, distance in worst.items():
                    where = f"{engine:<8} {dtype}  {name:<10} {kind:<13}"
                    yield f"{where} {distance:8.1e} of {limits()[dtype][kind]:g}"

"""What decides how a model learns beside its blocks: muP, LoRA, and how large it begins.

The coordinate check of muP (Yang et al. 2022): after a few steps of Adam, numbers inside models of
different widths are equally large. Sizes are root mean squares, their growth is the slope of a
straight line through (log width, log size).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from microgpt.arrays import Arrays
from microgpt.config import Config
from microgpt.engines import make_engine
from microgpt.engines.base import Batches
from microgpt.lora import adapted, merged

pytestmark = [pytest.mark.torch, pytest.mark.slow]

WIDTHS = (32, 64, 128, 256)
STEPS = 8
BASE = Config(
    n_layer=2, n_head=4, n_embd=32, block_size=16, vocab_size=27, lr=0.01, init_std=0.08,
    norm_gain=False, final_norm=True, batch_size=4, init="numpy",
)  # fmt: skip


def drawn(config: Config, seed: int = 1) -> Arrays:
    """First weights, as a run with ``init = "numpy"`` draws them."""
    draw = np.random.Generator(np.random.PCG64(seed))
    weights: Arrays = {}
    for name, shape in config.shapes().items():
        constant = config.constant_of(name)
        weights[name] = draw.standard_normal(shape) * config.std_of(name)
        if constant is not None:
            weights[name] = np.full(shape, constant)
    return weights


def batches(config: Config, steps: int) -> Batches:
    draw = np.random.Generator(np.random.PCG64(2))
    size = (steps, config.batch_size, config.block_size + 1)
    return Batches.of(draw.integers(config.vocab_size, size=size).tolist())


def hooked(engine: Any, inside: str) -> dict[str, Any]:
    """What the parts ``inside`` each block gave last, by a name such as "mlp 0", as it runs."""
    seen: dict[str, Any] = {}
    for i, block in enumerate(engine.model.blocks):
        for part in inside.split():

            def keep(_module: Any, given: Any, out: Any, name: str = f"{part} {i}") -> None:
                seen[name] = out.detach().flatten()

            block.get_submodule(part).register_forward_hook(keep)
    return seen


def loaded(config: Config, weights: Arrays | None = None) -> Any:
    engine = make_engine("torch", config, "float64")
    engine.load(config, "float64", drawn(config) if weights is None else weights)
    return engine


def size(x: Any) -> float:
    return float(np.sqrt(np.square(np.asarray(x)).mean()))


def slope(xs: Any, sizes: Any) -> float:
    return float(np.polyfit(np.log(xs), np.log(sizes), 1)[0])


# ---------------------------------------------------------------- muP


def changes(config: Config) -> dict[str, float]:
    """How much some steps of Adam change what the blocks add, and the logits."""
    engine = loaded(config)
    seen = hooked(engine, "attn mlp")
    docs = [doc[:-1] for doc in batches(config, 1).docs(0, config.batch_size)]

    def now() -> dict[str, Any]:
        logits = engine.logits(docs)
        return {**seen, "logits": np.concatenate(logits)}

    before = now()
    engine.steps(batches(config, STEPS), [config.lr] * STEPS, 0)
    after = now()
    return {name: size(after[name] - before[name]) for name in after}


def slopes(mup_base: int) -> dict[str, float]:
    each = [changes(replace(BASE, n_embd=width, mup_base=mup_base)) for width in WIDTHS]
    return {name: slope(WIDTHS, [at[name] for at in each]) for name in each[0]}


def test_with_mup_all_widths_learn_alike() -> None:
    """Measured: from -0.11 to 0.11."""
    found = slopes(32)
    assert len(found) == 5
    assert all(abs(grown) <= 0.25 for grown in found.values()), found


def test_without_mup_wide_models_learn_too_fast() -> None:
    """Measured: the logits 0.94, what the blocks add 1.8 to 2.1."""
    found = slopes(0)
    assert found.pop("logits") >= 0.7
    assert all(grown >= 1.4 for grown in found.values()), found


# ---------------------------------------------------------------- how large a model begins


def test_a_smaller_std_out_keeps_deep_models_level() -> None:
    """Each block adds something, and variances add up: 2 n_layer times, so divided by its root."""
    depths, added = (2, 8, 32), {}
    for scaled in (False, True):
        added[scaled] = []
        for depth in depths:
            out = BASE.init_std / np.sqrt(2 * depth) if scaled else None
            config = replace(BASE, n_layer=depth, init_std_out=out)
            engine = loaded(config)
            seen = hooked(engine, "attn mlp")
            engine.logits([[0, 1, 2, 3]])
            added[scaled].append(size(sum(seen.values())))
    assert slope(depths, added[False]) >= 0.4
    assert abs(slope(depths, added[True])) <= 0.2


# ---------------------------------------------------------------- LoRA


GROUPED = replace(
    BASE, norm_gain=True, bias=True, norm="layernorm", activation="swiglu", n_kv_head=2, tied=True
)


@pytest.mark.parametrize("config", [BASE, GROUPED, replace(BASE, n_expert=3)])
def test_lora_trains_its_additions_alone(config: Config) -> None:
    weights = drawn(config)
    docs = batches(config, 1).docs(0, 2)
    with_them, more = adapted(config, weights, rank=2, alpha=8.0)
    engine = loaded(with_them, more)
    inputs = [doc[:-1] for doc in docs]
    begun = np.array(engine.logits(inputs))
    assert np.array_equal(begun, np.array(loaded(config, weights).logits(inputs)))
    losses = engine.steps(batches(config, STEPS), [0.01] * STEPS, 0)
    trained, _ = engine.state()
    assert np.isfinite(losses).all()
    for name in with_them.shapes():
        same = np.array_equal(trained[name], more[name])
        assert same != name.endswith((".lora_a", ".lora_b")), name
    moved = np.array(engine.logits(inputs))
    assert np.abs(moved - begun).max() > 0.01
    plain, whole = merged(with_them, trained)
    assert plain == config
    assert {n: w.shape for n, w in whole.items()} == config.shapes()
    apart = np.abs(np.array(loaded(plain, whole).logits(inputs)) - moved).max()
    assert apart <= 1e-12 * np.abs(moved).max()

"""PyTorch's optimisers do what the readable ones do, step after step."""

from typing import Any

import numpy as np
import pytest

from microgpt.arrays import Arrays, Optim
from microgpt.config import Config, make_config
from microgpt.engines.updating import fresh, updated

pytestmark = pytest.mark.torch

SIZES = {"n_layer": 2, "n_embd": 12, "n_head": 2, "vocab_size": 7, "steps": 10}
BLOCKS = {"norm_gain": True, "bias": True, "norm": "layernorm", "final_norm": True}
RECIPES: dict[str, dict[str, Any]] = {
    "adam": {},
    "sgd": {"optimizer": "sgd"},
    "sgd_clipped": {"optimizer": "sgd", "grad_clip": 0.7, **BLOCKS},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.3, "grad_clip": 2.0, **BLOCKS},
    "muon": {"optimizer": "muon", "weight_decay": 0.1, "grad_clip": 1.0, **BLOCKS},
    "muon_wide": {"optimizer": "muon", "activation": "swiglu", "n_kv_head": 1},
    "experts": {"optimizer": "muon", "weight_decay": 0.2, "n_expert": 3},
    "mup": {"optimizer": "adamw", "weight_decay": 0.1, "mup_base": 4},
    "lora": {"optimizer": "adamw", "weight_decay": 0.1, "lora_rank": 2, "grad_clip": 0.5},
}


def gradients(config: Config, step: int) -> Arrays:
    draw = np.random.default_rng(step)
    found: Arrays = {n: draw.standard_normal(s) for n, s in config.shapes().items()}
    if step % 2:
        found = {n: g * 0.01 for n, g in found.items()}  # now clipped, now not
    return found


def both(config: Config, fused: bool, first: int = 1, last: int = 10) -> list[Any]:
    """Weights, state and norms of NumPy and of PyTorch after the same gradients."""
    import torch

    from microgpt.engines.torch.optim import Optimizer

    draw = np.random.default_rng(0)
    weights: Arrays = {n: draw.standard_normal(s) for n, s in config.shapes().items()}
    params = {n: torch.tensor(w, requires_grad=True) for n, w in weights.items()}
    optim, optimizer = fresh(config), Optimizer(config, params, None)
    norms: list[list[float]] = [[], []]
    for step in range(first, last + 1):
        if step == 6:  # a run that is cut and continues
            optimizer = Optimizer(config, params, optimizer.state())
        optimizer.fused = fused
        grads, lr = gradients(config, step), config.lr_at(step - 1)
        norms[0].append(updated(config, weights, optim, grads, 1.0, lr, step))
        for name, p in params.items():
            trained = bool(config.lr_share(name))
            p.grad = torch.tensor(grads[name]) if trained else None
        norms[1].append(float(optimizer.step(lr, step)))
    mine = {n: p.detach().numpy() for n, p in params.items()}
    return [(weights, optim, norms[0]), (mine, optimizer.state(), norms[1])]


def assert_same(one: Any, other: Any) -> None:
    for a, b in zip(_arrays(one[0], one[1]), _arrays(other[0], other[1]), strict=True):
        assert a[0] == b[0]
        np.testing.assert_allclose(a[1], b[1], rtol=1e-12, atol=1e-12, err_msg=a[0])
    assert one[1].step == other[1].step
    assert one[2] == pytest.approx(other[2], rel=1e-12)


def _arrays(weights: Arrays, optim: Optim) -> list[tuple[str, Any]]:
    found = [*weights.items()]
    return found + [(f"{k}.{n}", a) for k, m in (("m", optim.m), ("v", optim.v))
                    for n, a in m.items()]  # fmt: skip


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "foreach"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_ten_steps_end_where_the_readable_ones_do(recipe: str, fused: bool) -> None:
    config = make_config(**{**SIZES, **RECIPES[recipe]})
    assert_same(*both(config, fused))


def test_what_has_no_gradient_is_updated_as_by_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expert that no position was sent to: Adam's means go on falling."""
    import torch

    from microgpt.engines.torch import optim

    config = make_config(**{**SIZES, **RECIPES["experts"]})
    monkeypatch.setattr(optim, "AT_ONCE", 1)  # matrices one by one
    params = {n: torch.ones(s, dtype=torch.float64) for n, s in config.shapes().items()}
    weights: Arrays = {n: np.ones(s) for n, s in config.shapes().items()}
    theirs, mine = fresh(config), optim.Optimizer(config, params, None)
    for step in (1, 2):
        grads = gradients(config, step)
        for name, p in params.items():
            idle = step == 2 and ("expert1" in name or name.endswith("router"))
            grads[name] = np.zeros_like(grads[name]) if idle else grads[name]
            p.grad = None if idle else torch.tensor(grads[name])
        updated(config, weights, theirs, grads, 1.0, 0.01, step)
        mine.step(0.01, step)
    assert_same(
        (weights, theirs, []), ({n: p.numpy() for n, p in params.items()}, mine.state(), [])
    )

"""The optimiser's readable version: by hand, by singular values, and against torch's."""

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from microgpt.config import Config, make_config
from microgpt.engines.updating import fresh, grad_norm, orthogonalised, updated

SMALL = {"n_embd": 4, "n_head": 2, "block_size": 3, "vocab_size": 5}
MATRIX = "layer0.mlp_fc1"


def drawn(config: Config, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 1, shape) for name, shape in config.shapes().items()}


def trained(config: Config, steps: int = 4, lr: float = 0.1) -> tuple[Any, Any, list[float]]:
    """Weights, optimiser and gradient norms after some steps on drawn gradients."""
    weights, optim = drawn(config, 0), fresh(config)
    norms = []
    for step in range(1, steps + 1):
        norms.append(updated(config, weights, optim, drawn(config, step), 0.5, lr, step))
    assert optim.step == steps
    return weights, optim, norms


def test_sgd_and_adam_by_hand() -> None:
    config = make_config(**SMALL, optimizer="sgd")
    before, grads = drawn(config, 0), drawn(config, 1)
    weights = {name: w.copy() for name, w in before.items()}
    updated(config, weights, fresh(config), grads, 0.5, 0.1, 1)
    for name, w in weights.items():
        np.testing.assert_allclose(w, before[name] - 0.1 * 0.5 * grads[name])
    config = make_config(**SMALL)
    weights = {name: w.copy() for name, w in before.items()}
    updated(config, weights, fresh(config), grads, 0.5, 0.1, 1)
    for name, w in weights.items():  # the first step has the size of lr, whatever the gradient's
        np.testing.assert_allclose(w, before[name] - 0.1 * np.sign(grads[name]), atol=1e-5)


def test_adamw_shrinks_matrices_and_nothing_else() -> None:
    blocks = {"bias": True, "norm_gain": True, "n_expert": 2, "norm": "layernorm"}
    plain = make_config(**SMALL, **blocks, optimizer="adamw")
    decay = make_config(**SMALL, **blocks, optimizer="adamw", weight_decay=0.25)
    adam = make_config(**SMALL, **blocks)
    for name, (a, b, c) in {
        name: [trained(config, 1)[0][name] for config in (plain, decay, adam)]
        for name in plain.shapes()
    }.items():
        np.testing.assert_array_equal(a, c)
        shrinks = name.endswith(("_wq", "_wk", "_wv", "_wo", "fc1", "fc2", "router", "lm_head"))
        np.testing.assert_allclose(b, a - (0.1 * 0.25 * drawn(plain, 0)[name] if shrinks else 0))


def test_gradients_are_cut_to_a_norm_together() -> None:
    config = make_config(**SMALL, optimizer="sgd", grad_clip=0.25)
    weights, grads = drawn(config, 0), drawn(config, 1)
    before = {name: w.copy() for name, w in weights.items()}
    found = updated(config, weights, fresh(config), grads, 0.5, 1.0, 1)
    every = np.concatenate([g.reshape(-1) for g in grads.values()]) * 0.5
    assert found == pytest.approx(np.linalg.norm(every), rel=1e-14)
    moved = np.concatenate([(before[n] - w).reshape(-1) for n, w in weights.items()])
    np.testing.assert_allclose(moved, every * 0.25 / found, rtol=1e-12, atol=1e-14)
    loose = make_config(**SMALL, optimizer="sgd", grad_clip=float(found))
    weights = {name: w.copy() for name, w in before.items()}
    updated(loose, weights, fresh(config), grads, 0.5, 1.0, 1)
    for name, w in weights.items():
        np.testing.assert_array_equal(w, before[name] - 0.5 * grads[name])


def test_lora_leaves_all_else_as_it_is_and_out_of_the_norm() -> None:
    config = make_config(**SMALL, lora_rank=2, optimizer="adamw", weight_decay=0.1)
    weights, optim, norms = trained(config)
    for name, before in drawn(config, 0).items():
        still = np.array_equal(weights[name], before)
        assert still != name.endswith((".lora_a", ".lora_b")), name
        assert still == (not optim.m[name].any()), name
    added = [g for name, g in drawn(config, 1).items() if ".lora_" in name]
    assert norms[0] == pytest.approx(0.5 * math.sqrt(sum((g * g).sum() for g in added)))


def test_mup_shares_out_the_learning_rate() -> None:
    narrow, wide = (make_config(**SMALL, mup_base=base) for base in (4, 1))
    start = drawn(narrow, 0)
    a, b = trained(narrow, 1)[0], trained(wide, 1)[0]
    for name in start:
        inner = name.startswith("layer0.")
        factor = 0.25 if inner else 1.0
        np.testing.assert_allclose(b[name] - start[name], factor * (a[name] - start[name]))


# ---------------------------------------------------------------- Muon


@pytest.mark.parametrize("shape", [(6, 6), (3, 8), (8, 3), (1, 5), (5, 1)])
def test_orthogonalised_keeps_directions_and_evens_out_sizes(shape: tuple[int, int]) -> None:
    u = np.random.default_rng(1).normal(0, 3, shape)
    left, sizes, right = np.linalg.svd(u, full_matrices=False)
    expected = sizes / np.linalg.norm(sizes)
    for _ in range(5):  # what the five steps do to a number
        expected = 3.4445 * expected - 4.775 * expected**3 + 2.0315 * expected**5
    found = orthogonalised(u)
    np.testing.assert_allclose(found, (left * expected) @ right, atol=1e-6)
    assert found.shape == shape


def test_even_small_singular_values_come_close_to_one() -> None:
    sizes = np.geomspace(1 / 500, 1, 2000)
    for _ in range(5):
        sizes = 3.4445 * sizes - 4.775 * sizes**3 + 2.0315 * sizes**5
    assert 0.68 < sizes.min() < 0.69 and 1.20 < sizes.max() < 1.21


def test_orthogonalised_of_nothing_is_nothing() -> None:
    assert not orthogonalised(np.zeros((3, 4))).any()
    assert np.isfinite(orthogonalised(np.full((3, 4), 1e-30))).all()
    assert orthogonalised(np.ones((2, 3), np.float32)).dtype == np.float32


def test_muon_moves_matrices_of_blocks_and_adamw_all_else() -> None:
    changes = {"optimizer": "muon", "weight_decay": 0.1, "lr": 0.2, "muon_lr": 0.05}
    config = make_config(**SMALL, **changes)
    start, lr = drawn(config, 0), 0.1
    weights, optim, _ = trained(config, 2, lr)
    other = trained(Config(**{**config.to_dict(), "optimizer": "adamw"}), 2, lr)[0]
    for name in start:
        if not name.startswith("layer0."):
            np.testing.assert_array_equal(weights[name], other[name])
            assert optim.v[name].any()
            continue
        assert not optim.v[name].any()
        w, m = start[name].copy(), np.zeros_like(start[name])
        rows, columns = w.shape
        for step in (1, 2):
            g = drawn(config, step)[name] * 0.5
            m = 0.95 * m + g
            rate = 0.05 * lr / 0.2
            w = w * (1 - rate * 0.1)
            w = w - rate * max(1, rows / columns) ** 0.5 * orthogonalised(g + 0.95 * m)
        np.testing.assert_allclose(weights[name], w, atol=1e-13)
        np.testing.assert_allclose(optim.m[name], m, atol=1e-14)


def test_muon_under_lora_moves_the_additions_by_adamw() -> None:
    config = make_config(**SMALL, lora_rank=2, optimizer="muon")
    weights, optim, _ = trained(config)
    np.testing.assert_array_equal(weights[MATRIX], drawn(config, 0)[MATRIX])
    assert optim.v[MATRIX + ".lora_a"].any()


def test_norm_of_what_overflowed() -> None:
    config = make_config(**SMALL)
    grads = drawn(config, 1)
    grads["wte"][0, 0] = math.nan
    assert math.isnan(grad_norm(config, grads))


# ---------------------------------------------------------------- torch's


@pytest.fixture
def torch(require: Any) -> ModuleType:
    module: ModuleType = require("torch")
    return module


@pytest.mark.torch
@pytest.mark.slow
def test_adamw_is_that_of_torch(torch: ModuleType) -> None:
    config = make_config(**SMALL, optimizer="adamw", weight_decay=0.3)
    weights, optim = drawn(config, 0), fresh(config)
    theirs = {name: torch.tensor(w, requires_grad=True) for name, w in weights.items()}
    made = torch.optim.AdamW(
        [{"params": [w], "weight_decay": 0.3 * config.decays(n)} for n, w in theirs.items()],
        lr=0.1, betas=(config.beta1, config.beta2), eps=config.eps,
    )  # fmt: skip
    for step in range(1, 9):
        grads = drawn(config, step)
        updated(config, weights, optim, grads, 1.0, 0.1, step)
        for name, w in theirs.items():
            w.grad = torch.tensor(grads[name])
        made.step()
    for name, w in theirs.items():
        np.testing.assert_allclose(weights[name], w.detach().numpy(), atol=1e-13)


@pytest.mark.torch
@pytest.mark.slow
def test_muon_is_that_of_torch_to_bfloat16(torch: ModuleType) -> None:
    """Torch's takes its Newton-Schulz steps in bfloat16, ours in the run's own numbers."""
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this torch has no Muon")
    config = make_config(**SMALL, optimizer="muon", weight_decay=0.1, lr=0.1, muon_lr=0.1)
    weights, optim = drawn(config, 0), fresh(config)
    theirs = {n: torch.tensor(weights[n], requires_grad=True) for n in weights if "layer0" in n}
    made = torch.optim.Muon(theirs.values(), lr=0.1, weight_decay=0.1, momentum=0.95)
    for step in range(1, 6):
        grads = drawn(config, step)
        updated(config, weights, optim, grads, 1.0, 0.1, step)
        for name, w in theirs.items():
            w.grad = torch.tensor(grads[name])
        made.step()
    for name, w in theirs.items():
        np.testing.assert_allclose(weights[name], w.detach().numpy(), atol=0.02)

"""The scalar engine against an independent implementation in torch: forward, gradients, Adam, SGD.

Written from the description of the model alone, with torch's own functions and no loop over heads
or positions. All in float64.
"""

import random
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from microgpt.config import Config, make_config
from microgpt.engines.base import Arrays, Batches
from microgpt.engines.scalar import ScalarEngine
from microgpt.model import init_weights

pytestmark = [pytest.mark.torch, pytest.mark.slow]

CONFIGS = {
    "final": make_config(),
    "early": make_config("early"),
    "early_awake": make_config("early", init_std=0.3, init_std_out=0.3),
    "deep": make_config(
        n_layer=3, n_embd=12, n_head=2, block_size=9, vocab_size=8, init_std=0.4,
        activation="relu_squared",
    ),
    "one_head": make_config(n_embd=6, n_head=1, block_size=5, vocab_size=5, init_std=0.5),
    "heads_of_one": make_config(n_embd=6, n_head=6, block_size=5, vocab_size=5, init_std=0.5),
}  # fmt: skip
LIMIT = 1e-12


@pytest.fixture
def torch(require: Any) -> ModuleType:
    module: ModuleType = require("torch")
    module.set_num_threads(1)
    return module


def documents(config: Config, count: int) -> list[list[int]]:
    rng = random.Random(3)
    bos = config.vocab_size - 1
    docs = []
    for length in range(count):
        letters = [rng.randrange(bos) for _ in range(length * 3 % (config.block_size + 1))]
        docs.append([bos, *letters, bos][: config.block_size + 1])
    return docs


def scalar(config: Config) -> ScalarEngine:
    engine = ScalarEngine()
    weights = init_weights(config, random.Random(1))
    engine.load(config, "float64", {name: np.array(rows) for name, rows in weights.items()})
    return engine


def parameters(torch: ModuleType, weights: Arrays) -> dict[str, Any]:
    return {name: torch.tensor(w, requires_grad=True) for name, w in weights.items()}


def logits_of(torch: ModuleType, w: dict[str, Any], config: Config, tokens: list[int]) -> Any:
    """[T, V] with torch.nn.functional alone."""
    F = torch.nn.functional
    C, H = config.n_embd, config.n_head

    def norm(x: Any) -> Any:
        return F.rms_norm(x, (C,), eps=1e-5)

    x = norm(F.embedding(torch.tensor(tokens), w["wte"]) + w["wpe"][: len(tokens)])
    for i in range(config.n_layer):
        here = {n.split(".")[1]: m for n, m in w.items() if n.startswith(f"layer{i}.")}
        h = norm(x)
        q, k, v = (
            F.linear(h, here[f"attn_w{name}"]).unflatten(-1, (H, C // H)).transpose(0, 1)
            for name in "qkv"
        )
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + F.linear(seen.transpose(0, 1).flatten(1), here["attn_wo"])
        hidden = F.relu(F.linear(norm(x), here["mlp_fc1"]))
        if config.activation == "relu_squared":
            hidden = hidden.square()
        x = x + F.linear(hidden, here["mlp_fc2"])
    return F.linear(x, w["lm_head"])


def loss_of(
    torch: ModuleType,
    w: dict[str, Any],
    config: Config,
    docs: list[list[int]],
    weights: list[float] | None = None,
) -> Any:
    logits = torch.cat([logits_of(torch, w, config, doc[:-1]) for doc in docs])
    targets = torch.tensor([t for doc in docs for t in doc[1:]])
    if weights is None:
        return torch.nn.functional.cross_entropy(logits, targets)
    each = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    return torch.dot(torch.tensor(weights, dtype=torch.float64), each) / len(weights)


def assert_near(expected: Any, got: Any, limit: float = LIMIT) -> None:
    e, g = np.asarray(expected), np.asarray(got)
    assert e.shape == g.shape
    apart = np.abs(e - g) / np.maximum(1.0, np.abs(e))
    assert apart.max() <= limit, apart.max()


@pytest.mark.parametrize("name", CONFIGS)
def test_logits(torch: ModuleType, name: str) -> None:
    config = CONFIGS[name]
    engine = scalar(config)
    w = parameters(torch, engine.state()[0])
    for doc in documents(config, 4):
        (got,) = engine.logits([doc[:-1]])
        assert_near(logits_of(torch, w, config, doc[:-1]).detach().numpy(), got)


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients(torch: ModuleType, name: str) -> None:
    config = CONFIGS[name]
    engine = scalar(config)
    w = parameters(torch, engine.state()[0])
    docs = documents(config, 4)
    expected = loss_of(torch, w, config, docs)
    expected.backward()
    loss, grads = engine.grads(docs)
    assert_near(expected.item(), loss)
    for matrix, got in grads.items():
        assert_near(w[matrix].grad.numpy(), got)


@pytest.mark.parametrize("name", CONFIGS)
def test_weighted_gradients(torch: ModuleType, name: str) -> None:
    config = CONFIGS[name]
    docs = documents(config, 4)
    rng = random.Random(4)
    weights = [rng.choice([0.0, 1.0, rng.gauss(0, 1)]) for doc in docs for _ in doc[1:]]
    engine = scalar(config)
    w = parameters(torch, engine.state()[0])
    expected = loss_of(torch, w, config, docs, weights)
    expected.backward()
    loss, grads = engine.grads(docs, weights)
    assert_near(expected.item(), loss)
    for matrix, got in grads.items():
        assert_near(w[matrix].grad.numpy(), got)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("name", ["final", "early", "one_head"])
def test_ten_steps(torch: ModuleType, name: str, optimizer: str) -> None:
    """torch adds eps to the root of the corrected second moment, as we do."""
    config = Config(**{**CONFIGS[name].to_dict(), "optimizer": optimizer, "steps": 10})
    engine = scalar(config)
    w = parameters(torch, engine.state()[0])
    docs = documents(config, 10)
    lrs = [config.lr_at(step) for step in range(10)]
    batches = [[docs[step], docs[step - 1]] for step in range(10)]
    losses = engine.steps(Batches.of(batches), lrs, 0)
    if optimizer == "adam":
        betas = (config.beta1, config.beta2)
        theirs = torch.optim.Adam(w.values(), lr=config.lr, betas=betas, eps=config.eps)
    else:
        theirs = torch.optim.SGD(w.values(), lr=config.lr)
    for step, batch in enumerate(batches):
        theirs.param_groups[0]["lr"] = lrs[step]
        theirs.zero_grad()
        loss = loss_of(torch, w, config, batch)
        loss.backward()
        theirs.step()
        assert_near(loss.item(), losses[step], 1e-10)
    weights, optim = engine.state()
    for matrix, tensor in w.items():
        assert_near(tensor.detach().numpy(), weights[matrix], 1e-10)
        if optimizer == "adam":
            assert_near(theirs.state[tensor]["exp_avg"].numpy(), optim.m[matrix])
            assert_near(theirs.state[tensor]["exp_avg_sq"].numpy(), optim.v[matrix])

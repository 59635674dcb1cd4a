"""The vectors of the blocks against an independent implementation in torch.

Written from the description of the model alone: torch's own functions, autograd and AdamW; turns as
complex numbers, experts without choosing rows, Muon by singular values. All in float64.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conformance import vectorfile  # noqa: E402
from conformance.reference import uniform_weights  # noqa: E402

from microgpt.config import Config, make_config  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]

CASES = vectorfile.cases("blocks")
SHARED = vectorfile.load("blocks")
DOCS = SHARED["docs"]


@pytest.fixture
def torch(require: Any) -> ModuleType:
    module: ModuleType = require("torch")
    module.set_num_threads(1)
    return module


class Model:
    """The model of a case; ``w`` has its weights by name, as tensors with gradients."""

    def __init__(self, torch: ModuleType, config: Config) -> None:
        self.torch, self.F, self.config = torch, torch.nn.functional, config
        self.w = {
            name: torch.tensor(array, requires_grad=bool(config.lr_share(name)))
            for name, array in uniform_weights(config, SHARED["seed"]).items()
        }

    def norm(self, name: str, x: Any) -> Any:
        shape, gain = x.shape[-1:], self.w.get(name)
        if self.config.norm == "layernorm":
            return self.F.layer_norm(x, shape, gain, self.w.get(name + "_bias"), eps=1e-5)
        return self.F.rms_norm(x, shape, gain, eps=1e-5)

    def linear(self, name: str, bias: str, x: Any) -> Any:
        matrix = self.w[name]
        if self.config.lora_rank:
            added = self.w[name + ".lora_b"] @ self.w[name + ".lora_a"]
            matrix = matrix + added * (self.config.lora_alpha / self.config.lora_rank)
        return self.F.linear(x, matrix, self.w.get(bias))

    def turned(self, x: Any) -> Any:
        """[heads, T, D]: numbers j and D/2 + j as one complex number, turned."""
        half = x.shape[-1] // 2
        speed = self.config.rope_theta ** (-self.torch.arange(half).double() * 2 / x.shape[-1])
        angles = self.torch.outer(self.torch.arange(x.shape[1]).double(), speed)
        turns = self.torch.polar(self.torch.ones_like(angles), angles)
        z = self.torch.complex(x[..., :half].contiguous(), x[..., half:].contiguous()) * turns
        return self.torch.cat([z.real, z.imag], -1)

    def attention(self, layer: str, x: Any) -> Any:
        c, length = self.config, len(x)
        q, k, v = (
            self.linear(f"{layer}attn_w{n}", f"{layer}attn_b{n}", x)
            .unflatten(-1, (-1, c.head_dim))
            .transpose(0, 1)
            for n in "qkv"
        )
        if c.qk_norm:
            q = self.F.rms_norm(q, (c.head_dim,), self.w.get(layer + "attn_qnorm"), eps=1e-5)
            k = self.F.rms_norm(k, (c.head_dim,), self.w.get(layer + "attn_knorm"), eps=1e-5)
        if c.positions == "rope":
            q, k = self.turned(q), self.turned(k)
        mask = self.torch.ones(length, length).tril().triu(1 - (c.attn_window or length)).bool()
        out = self.F.scaled_dot_product_attention(
            q[None], k[None], v[None], mask, scale=c.score_scale, enable_gqa=True
        )[0]
        return self.linear(layer + "attn_wo", layer + "attn_bo", out.transpose(0, 1).flatten(1))

    def mlp(self, prefix: str, x: Any) -> Any:
        up = self.linear(prefix + "mlp_fc1", prefix + "mlp_b1", x)
        match self.config.activation:
            case "swiglu":
                up = up * self.F.silu(self.linear(prefix + "mlp_gate", prefix + "mlp_bgate", x))
            case "gelu":
                up = self.F.gelu(up, approximate="tanh")
            case _:
                up = self.F.relu(up)
        return self.linear(prefix + "mlp_fc2", prefix + "mlp_b2", up)

    def experts(self, layer: str, x: Any) -> Any:
        """All experts of all positions, most of them times 0; keeps what the balance needs."""
        scores = x @ self.w[layer + "router"].T
        top = scores.topk(self.config.n_active, dim=-1)
        weights = self.torch.zeros_like(scores).scatter(-1, top.indices, top.values.softmax(-1))
        self.routed.setdefault(layer, []).append((scores.softmax(-1), weights.detach() > 0))
        every = [self.mlp(f"{layer}expert{e}.", x) for e in range(self.config.n_expert)]
        return sum(weights[:, e, None] * out for e, out in enumerate(every))

    def logits(self, tokens: list[int]) -> Any:
        c, w = self.config, self.w
        x = w["wte"][tokens]
        if c.positions == "learned":
            x = x + w["wpe"][: len(tokens)]
        if c.embed_norm:
            x = self.norm("emb_norm", x)
        for i in range(c.n_layer):
            layer = f"layer{i}."
            x = x + self.attention(layer, self.norm(layer + "attn_norm", x))
            half = self.experts if c.n_expert else self.mlp
            x = x + half(layer, self.norm(layer + "mlp_norm", x))
        if c.final_norm:
            x = self.norm("final_norm", x)
        return x @ w["wte" if c.tied else "lm_head"].T * (c.mup_base / c.n_embd or 1.0)

    def losses(self, weights: list[float] | None = None) -> tuple[Any, list[Any]]:
        """The cross-entropy of all docs, and each layer's unbalance."""
        self.routed: dict[str, list[Any]] = {}
        logits = self.torch.cat([self.logits(doc[:-1]) for doc in DOCS])
        targets = self.torch.tensor([t for doc in DOCS for t in doc[1:]])
        each = self.F.cross_entropy(logits, targets, reduction="none")
        if weights is not None:
            each = each * self.torch.tensor(weights, dtype=each.dtype)
        unbalance = []
        for parts in self.routed.values():
            probs, used = (self.torch.cat(part) for part in zip(*parts, strict=True))
            share = used.double().mean(0) / self.config.n_active
            unbalance.append(self.config.n_expert * (share * probs.mean(0)).sum())
        return each.mean(), unbalance

    def gradients(self, weights: list[float] | None = None) -> tuple[float, list[float]]:
        """Sets all gradients; returns the losses as they are reported."""
        for tensor in self.w.values():
            tensor.grad = None
        loss, unbalance = self.losses(weights)
        (loss + self.config.balance * sum(unbalance)).backward()
        return loss.item(), [x.item() for x in unbalance]


def assert_near(expected: Any, got: Any, limit: float = 1e-12, what: str = "") -> None:
    e, g = np.asarray(expected), np.asarray(got)
    assert e.shape == g.shape, what
    apart = np.abs(e - g) / np.maximum(1.0, np.abs(e))
    assert apart.max() <= limit, (what, apart.max())


@pytest.mark.parametrize("name", CASES)
def test_logits_and_gradients(torch: ModuleType, name: str) -> None:
    case = CASES[name]
    model = Model(torch, make_config(**case["config"]))
    assert {n: list(w.shape) for n, w in model.w.items()} == case["shapes"]
    loss, unbalance = model.gradients()
    assert_near(case["loss"], loss)
    assert len(unbalance) == len(case.get("unbalance", []))
    if unbalance:
        assert_near(case["unbalance"], unbalance)
    assert_near(case["logits"], model.logits(DOCS[0][:-1]).detach().numpy())
    for weight, expected in case["grads"].items():
        grad = model.w[weight].grad
        got = np.zeros(case["shapes"][weight]) if grad is None else grad.numpy()
        assert_near(expected, got, what=weight)
    loss, _ = model.gradients([x for row in SHARED["position_weights"] for x in row])
    squares = sum((w.grad**2).sum().item() for w in model.w.values() if w.grad is not None)
    assert_near(list(case["weighted"].values()), [loss, squares**0.5])


def orthogonal(torch: ModuleType, u: Any) -> Any:
    """What five steps of Muon's polynomial make of the singular values, the vectors kept."""
    left, sizes, right = torch.linalg.svd(u, full_matrices=False)
    sizes = sizes / (torch.linalg.norm(u) + 1e-7)
    for _ in range(5):
        sizes = 3.4445 * sizes - 4.7750 * sizes**3 + 2.0315 * sizes**5
    return left @ torch.diag(sizes) @ right


def inside(name: str, w: Any) -> bool:
    """Whether this is a matrix of a block's linear layers."""
    return w.ndim == 2 and name.endswith(("wq", "wk", "wv", "wo", "fc1", "fc2", "gate"))


@pytest.mark.parametrize(
    ("name", "which"),
    [(name, which) for name, case in CASES.items() for which in range(len(case["training"]))],
)
def test_training(torch: ModuleType, name: str, which: int) -> None:
    case = CASES[name]
    recipe = case["training"][which]
    settings = {k: v for k, v in recipe.items() if k not in ("losses", "grad_norms")}
    model = Model(torch, make_config(**case["config"], **settings))
    trained = {n: w for n, w in model.w.items() if w.requires_grad}
    muon = {n: torch.zeros_like(w) for n, w in trained.items() if inside(n, w)}
    muon = muon if recipe["optimizer"] == "muon" else {}
    inner = 8 / 16 if name == "mup" else 1.0
    groups = [
        {
            "params": [w],
            "lr": recipe["lr"] * (inner if inside(n, w) else 1),
            "weight_decay": recipe["weight_decay"]
            * (w.ndim == 2 and not n.endswith(("wte", "wpe"))),
        }
        for n, w in trained.items()
        if n not in muon
    ]
    adamw = torch.optim.AdamW(
        groups, betas=(recipe["beta1"], recipe["beta2"]), eps=recipe["eps"], lr=recipe["lr"]
    )
    losses, norms = [], []
    for _ in recipe["losses"]:
        losses.append(model.gradients()[0])
        # A weight that nothing reached has a gradient of 0, not none: AdamW shrinks it as well.
        for w in trained.values():
            w.grad = torch.zeros_like(w) if w.grad is None else w.grad
        norms.append(torch.cat([w.grad.flatten() for w in trained.values()]).norm().item())
        if 0 < recipe["grad_clip"] < norms[-1]:
            for w in trained.values():
                w.grad *= recipe["grad_clip"] / norms[-1]
        adamw.step()
        for n, m in muon.items():
            w = trained[n]
            m.mul_(recipe["muon_momentum"]).add_(w.grad)
            step = orthogonal(torch, w.grad + recipe["muon_momentum"] * m)
            out, into = w.shape
            with torch.no_grad():
                w *= 1 - recipe["muon_lr"] * recipe["weight_decay"]
                w -= recipe["muon_lr"] * max(1, out / into) ** 0.5 * step
    assert_near(recipe["losses"], losses, 1e-10)
    assert_near(recipe["grad_norms"], norms, 1e-10)

"""Seeded bugs in the NumPy engine's blocks and in the optimisers: the vectors must catch each."""

import sys
from pathlib import Path

import numpy as np
import pytest

from test_mutants import Mutant, mutated

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conformance import checks  # noqa: E402

FOLDER = "engines.numpy.blocks."
CHAIN = (
    "engines.updating",
    *(FOLDER + name for name in ("weights", "norms", "lora", "linear", "rotation", "attention",
                                 "mlp", "experts", "model", "tracing", "cache")),
    "engines.numpy.sampling",
    "engines.numpy.engine",
)  # fmt: skip


def mutant(name: str, case: str, module: str, old: str, new: str) -> tuple[str, Mutant]:
    """A change that the case of that name must notice."""
    where = module if module.startswith("engines.") else FOLDER + module
    return case, Mutant(name, where, old, new)


MUTANTS = [
    mutant("neighbours are a pair", "rope", "rotation", "a, b = np.split(x, 2, axis=-1)\n"
           "    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)",
           "a, b = x[..., ::2], x[..., 1::2]\n    return np.stack([a * cos - b * sin, "
           "b * cos + a * sin], axis=-1).reshape(x.shape)"),
    mutant("turned the other way by keys alone", "rope", "attention",
           "q, k = rotated(q, turn), rotated(k, turn)",
           "q, k = rotated(q, turn), rotated_back(k, turn)"),
    mutant("values turn as well", "rope", "attention",
           "    out, looks = attend(i, q, k, v)\n",
           '    v = rotated(v, turns(positions, c.head_dim, c.rope_theta, x.dtype))\n'
           "    out, looks = attend(i, q, k, v)\n"),
    mutant("speeds of D/2 numbers", "rope", "rotation", "np.arange(half) / head_dim)",
           "np.arange(half) / half)"),
    mutant("not turned back", "rope", "rotation", "rotated(dy, (cos, -sin))",
           "rotated(dy, (cos, sin))"),
    mutant("heads dealt out in turn", "grouped", "attention",
           "group.length, kv_heads, -1, x.shape[-1])\n    heads: Array = "
           "parts.transpose(0, 2, 3, 1, 4)",
           "group.length, -1, kv_heads, x.shape[-1])\n    heads: Array = "
           "parts.transpose(0, 3, 2, 1, 4)"),
    mutant("keys from the last query alone", "grouped", "attention",
           "@ q).sum(axis=2, keepdims=True)", "@ q)[:, :, -1:]"),
    mutant("window one longer", "window", "attention", "looked_at > looking - window",
           "looked_at >= looking - window"),
    mutant("window of the cache one shorter", "window", "cache", "t + 1 - config.attn_window",
           "t + 2 - config.attn_window"),
    mutant("no 1/sqrt(d)", "narrow", "model",
           "scale, window = w.config.score_scale,", "scale, window = 1.0,"),
    mutant("no 1/sqrt(d) in the cache", "narrow", "cache", "config.score_scale * (queries",
           "1.0 * (queries"),
    mutant("no 1/sqrt(d) backward", "narrow", "attention", "ds = scale * softmax_back(",
           "ds = softmax_back("),
    mutant("exact GELU's cousin", "gelu", "mlp", "CUBIC = 0.044715", "CUBIC = 0.044"),
    mutant("GELU's slope without its second half", "gelu", "mlp",
           " + 0.5 * u * (1 - t * t) * GELU * (1 + 3 * CUBIC * u * u)", ""),
    mutant("mean not subtracted", "layernorm", "norms",
           "        x = x - x.mean(axis=-1, keepdims=True)\n", "        pass\n"),
    mutant("mean without gradient", "layernorm", "norms",
           "        dx = dx - dunit.mean(axis=-1, keepdims=True)\n", "        pass\n"),
    mutant("gain not in dx", "gain", "norms", "dunit = dy if gain is None else dy * gain",
           "dunit = dy"),
    mutant("biases of the norm added twice", "bias", "norms", "y + bias, unit",
           "y + 2 * bias, unit"),
    mutant("bias of the last row", "bias", "linear", "dy.sum(axis=0)", "dy[-1]"),
    mutant("final norm without gradient", "final_norm", "model",
           '        dx = norm_of_back(w, g, "final_norm", dx, done.final)\n', "        pass\n"),
    mutant("tied, but the head gets no gradient", "gpt2", "model",
           "g.add(w.head, dlogits.T @ done.last)",
           'g.add("lm_head", dlogits.T @ done.last)'),
    mutant("the other half is gated", "swiglu", "mlp", "hidden: Array = silu(gate) * up",
           "hidden: Array = silu(up) * gate"),
    mutant("silu's slope is the sigmoid", "swiglu", "mlp", "return s * (1 + z * (1 - s))",
           "return s"),
    mutant("norms of other heads", "qk_norm", "attention", "        q, k = norm_q.y, norm_k.y\n",
           "        q, k = norm_q.y[:, ::-1], norm_k.y\n"),
    mutant("queries' gain for the keys", "qk_norm", "attention",
           'norm_k = norm(k, gain=w.get(layer + "knorm"))',
           'norm_k = norm(k, gain=w.get(layer + "qnorm"))'),
    mutant("balance without gradient", "experts", "experts",
           "dlogits = unbalance_back(done, balance)", "dlogits = np.zeros_like(done.logits)"),
    mutant("balance in the reported loss", "experts", "model", "    return loss\n",
           "    return loss + balance * sum(unbalances(done))\n"),
    mutant("weights from all experts", "experts", "experts",
           "weights = softmax(np.take_along_axis(logits, chosen, axis=1))",
           "weights = np.take_along_axis(softmax(logits), chosen, axis=1)"),
    mutant("the smallest logits win", "experts", "experts", "np.argsort(-logits",
           "np.argsort(logits"),
    mutant("experts' weights without gradient", "experts", "experts",
           "    picked += softmax_back(dweights, done.weights)\n", ""),
    mutant("alpha not divided by the rank", "lora", "lora",
           "scale = w.config.lora_alpha / w.config.lora_rank", "scale = w.config.lora_alpha"),
    mutant("the matrix is trained as well", "lora", "model", "grad[:] = 0  # LoRA", "pass  # LoRA"),
    mutant("logits not scaled", "mup", "model", "return w.config.logit_scale * (",
           "return 1.0 * ("),
    mutant("logits' scale without gradient", "mup", "model",
           "    dlogits = w.config.logit_scale * dlogits\n", ""),
    mutant("one learning rate for all", "mup", "engines.updating", "g, lr * share, step)",
           "g, lr, step)"),
    mutant("embeddings shrink as well", "narrow", "engines.updating",
           'if config.optimizer != "adam" and config.decays(name):',
           'if config.optimizer != "adam":'),
    mutant("weight decay by way of the gradient", "narrow", "engines.updating",
           "                    w *= 1 - lr * share * config.weight_decay\n",
           "                    g = g + config.weight_decay * w\n"),
    mutant("clipped one by one", "narrow", "engines.updating",
           "            g = grads[name] * scale\n",
           "            g = grads[name] * min(1, 0.75 / float(np.linalg.norm(grads[name])))\n"),
    mutant("clipped a little too far", "narrow", "engines.updating",
           "scale *= config.grad_clip / norm", "scale *= config.grad_clip / (norm + 1e-6)"),
    mutant("Muon with outputs and inputs swapped", "narrow", "engines.updating",
           "max(1.0, out / into)", "max(1.0, into / out)"),
    mutant("Muon of tall matrices not transposed back", "narrow", "engines.updating",
           "return x.T if tall else x", "return x.reshape(u.shape)"),
    mutant("Muon by its rows alone", "narrow", "engines.updating",
           "x = x / (np.sqrt(np.vdot(x, x)) + 1e-7)",
           "x = x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-7)"),
    mutant("Muon without Nesterov's step", "narrow", "engines.updating",
           "orthogonalised(g + config.muon_momentum * m)", "orthogonalised(m)"),
    mutant("Muon of any matrix alike", "narrow", "engines.updating",
           "math.sqrt(max(1.0, out / into))", "1.0"),
    mutant("Muon for the head too", "narrow", "engines.updating",
           'and kind_of(name) == "matrix":', 'and w.ndim == 2:'),
]  # fmt: skip


def caught(engine: type, case: str) -> str | None:
    """What the first comparison that fails says; a crash is no comparison."""
    for check in (checks.check_blocks, checks.check_block_steps):
        try:
            with np.errstate(all="ignore"):
                check(engine, "float64", [case])
        except checks.Wrong as wrong:
            return str(wrong)
    return None


def test_nothing_is_caught_unchanged() -> None:
    with mutated(CHAIN, None) as module:
        for case in {case for case, _ in MUTANTS}:
            assert caught(module.NumpyEngine, case) is None


@pytest.mark.parametrize(("case", "mutant"), MUTANTS, ids=[m.name for _, m in MUTANTS])
def test_mutant_is_caught(case: str, mutant: Mutant) -> None:
    with mutated(CHAIN, mutant) as module:
        found = caught(module.NumpyEngine, case)
    assert found is not None, f"nothing notices: {mutant.name}"
    print(f"{mutant.name}: {found}")

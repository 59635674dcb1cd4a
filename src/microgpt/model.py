"""The forward pass, written once.

``gpt`` takes one token at one position and returns a score for every possible next token. It works
on plain floats and on ``Value`` alike, in the same order of operations, so that sampling computes
exactly what training does. Source: Karpathy's microgpt; the architecture is GPT-2's with rmsnorm in
place of layernorm, and without biases.

Shapes: C n_embd, H n_head, D head_dim = C / H, V vocab_size. A matrix is a list of rows,
out × in; the cache of a layer is a list with one vector of C numbers per position so far.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from microgpt.autograd import Value
from microgpt.config import Config

Number = float | Value
Matrix = Sequence[Sequence[Number]]
Weights = Mapping[str, Matrix]
Note = Callable[[str, Any], None]


def init_weights(config: Config, rng: random.Random) -> dict[str, Any]:
    """Initial weights: Gauss(0, std) drawn row by row in the order of ``Config.shapes``.

    With a std of 0 the numbers are drawn all the same, so that the random stream doesn't depend on
    it. Gains and biases aren't drawn.
    """
    weights: dict[str, Any] = {}
    for name, shape in config.shapes().items():
        constant, std = config.constant_of(name), config.std_of(name)
        if constant is not None:
            weights[name] = [constant] * shape[0]
        else:
            out, into = shape
            weights[name] = [[rng.gauss(0, std) for _ in range(into)] for _ in range(out)]
    return weights


def total(numbers: Sequence[Number]) -> Number:
    """The sum, added from left to right (``sum`` rounds differently since Python 3.12)."""
    result = numbers[0]
    for number in numbers[1:]:
        result = result + number
    return result


def dot(a: Sequence[Number], b: Sequence[Number]) -> Number:
    """Inner product of two vectors of the same length, added from left to right."""
    result = a[0] * b[0]
    for i in range(1, len(a)):
        result = result + a[i] * b[i]
    return result


def linear(x: Sequence[Number], w: Matrix) -> list[Number]:
    """Matrix times vector: x [in], w [out × in] → [out]."""
    return [dot(row, x) for row in w]


def softmax(logits: Sequence[Number]) -> list[Number]:
    """Scores of any size → positive numbers that sum to 1.

    The maximum is subtracted as a plain number: it changes no result and needs no gradient, and
    keeps ``exp`` from overflowing.
    """
    highest = max(plain(x) for x in logits)
    exps = [exp(x - highest) for x in logits]
    divisor = total(exps)
    return [e * divisor**-1 for e in exps]


def surprise(logits: Sequence[Number], target: int) -> Number:
    """-log p of the token ``target``, in nats.

    Floats end near 1e-308. Where p is smaller, in a run that is diverging, the same number is
    computed without it: the log of the sum of all exps, less the target's own exponent.
    """
    p = softmax(logits)[target]
    if plain(p) > 1e-300:
        return log(p) * -1
    highest = max(plain(x) for x in logits)
    return log(total([exp(x - highest) for x in logits])) - (logits[target] - highest)


def norm_scale(x: Sequence[Number]) -> tuple[Number, Number]:
    """Mean square of x, and the number that rmsnorm multiplies x by."""
    mean_square = dot(x, x) * (len(x) ** -1)
    return mean_square, (mean_square + 1e-5) ** -0.5


def rmsnorm(x: Sequence[Number]) -> list[Number]:
    """x * (mean(x²) + 1e-5)^-0.5: the same direction, with numbers of size about 1."""
    scale = norm_scale(x)[1]
    return [xi * scale for xi in x]


def plain(x: Number) -> float:
    """The number itself, without its graph."""
    return x.data if isinstance(x, Value) else x


def exp(x: Number) -> Number:
    """e^x."""
    return x.exp() if isinstance(x, Value) else math.exp(x)


def log(x: Number) -> Number:
    """The natural logarithm of x."""
    return x.log() if isinstance(x, Value) else math.log(x)


def activate(x: Number, activation: str) -> Number:
    """``relu``: the positive part of x. ``relu_squared``: its square."""
    positive = x.relu() if isinstance(x, Value) else max(0.0, x)
    return positive**2 if activation == "relu_squared" else positive


def _silent(name: str, value: Any) -> None:
    """The ``note`` that is used when nobody asks for a trace."""


def gpt(
    token: int,
    position: int,
    keys: list[list[Any]],
    values: list[list[Any]],
    weights: Weights,
    config: Config,
    note: Note = _silent,
) -> list[Number]:
    """Logits [V] of the token that follows ``token`` at ``position``.

    ``keys`` and ``values`` are the caches, one list per layer; this call appends its own k and v,
    so positions are given in order from 0. ``note(name, value)`` is called with every
    intermediate, by the names of ``trace.table``.
    """
    tok_emb, pos_emb = weights["wte"][token], weights["wpe"][position]
    emb = [t + p for t, p in zip(tok_emb, pos_emb, strict=True)]
    mean_square, scale = norm_scale(emb)
    x = [e * scale for e in emb]
    for name, value in (
        ("tok_emb", tok_emb), ("pos_emb", pos_emb), ("emb", emb),
        ("mean_square", mean_square), ("scale", scale), ("x", x),
    ):  # fmt: skip
        note(name, value)

    for i in range(config.n_layer):
        x = _block(x, f"layer{i}.", keys[i], values[i], weights, config, note)

    logits = linear(x, weights["lm_head"])
    note("logits", logits)
    return logits


def _block(
    x: list[Number],
    layer: str,
    keys: list[Any],
    values: list[Any],
    weights: Weights,
    config: Config,
    note: Note,
) -> list[Number]:
    """One Transformer block: attention, then the MLP, each added to what came in. x [C] → [C]."""

    def noted(name: str, value: Any) -> Any:
        note(layer + name, value)
        return value

    # Attention: every position asks (q), says what it can be asked for (k), and hands out what it
    # has (v).
    residual = x
    scale = noted("scale_pre_attn", norm_scale(x)[1])
    x = noted("x_pre_attn", [xi * scale for xi in x])
    q = noted("q", linear(x, weights[layer + "attn_wq"]))
    keys.append(noted("k", linear(x, weights[layer + "attn_wk"])))
    values.append(noted("v", linear(x, weights[layer + "attn_wv"])))
    all_qk, all_scores, all_weights, head_out = [], [], [], []
    for h in range(config.n_head):
        lo, hi = h * config.head_dim, (h + 1) * config.head_dim
        qk = [dot(q[lo:hi], k[lo:hi]) for k in keys]
        scores = [s * (config.head_dim**0.5) ** -1 for s in qk]
        looks = softmax(scores)
        head_out += [total([w * v[j] for w, v in zip(looks, values, strict=True)])
                     for j in range(lo, hi)]  # fmt: skip
        all_qk.append(qk)
        all_scores.append(scores)
        all_weights.append(looks)
    noted("qk", all_qk)
    noted("scores", all_scores)
    noted("weights", all_weights)
    x = noted("x_attn", linear(noted("head_out", head_out), weights[layer + "attn_wo"]))
    x = noted("x_after_attn", [a + r for a, r in zip(x, residual, strict=True)])

    # MLP: each position thinks by itself.
    residual = x
    scale = noted("scale_pre_mlp", norm_scale(x)[1])
    x = noted("x_pre_mlp", [xi * scale for xi in x])
    hidden = noted("fc1_pre", linear(x, weights[layer + "mlp_fc1"]))
    hidden = noted("fc1", [activate(hi, config.activation) for hi in hidden])
    x = noted("mlp_out", linear(hidden, weights[layer + "mlp_fc2"]))
    return noted("x_final", [a + r for a, r in zip(x, residual, strict=True)])  # type: ignore[no-any-return]


def empty_cache(config: Config) -> list[list[Any]]:
    """A cache with nothing in it: one empty list per layer."""
    return [[] for _ in range(config.n_layer)]


def document_loss(
    tokens: Sequence[int],
    weights: Weights,
    config: Config,
    position_weights: Sequence[float] | None = None,
) -> tuple[Number, int]:
    """Sum of -log p(next token) over a document's positions, and their number.

    ``tokens``: the whole document with BOS at both ends, at most block_size + 1 tokens.
    ``position_weights`` [positions]: what each term of the sum is multiplied by; None: 1.
    """
    keys, values = empty_cache(config), empty_cache(config)
    losses: list[Number] = []
    for position in range(len(tokens) - 1):
        logits = gpt(tokens[position], position, keys, values, weights, config)
        losses.append(surprise(logits, tokens[position + 1]))
    if position_weights is not None:
        losses = [loss * w for loss, w in zip(losses, position_weights, strict=True)]
    return total(losses), len(losses)


def _demo() -> None:
    config = Config()
    weights = init_weights(config, random.Random(42))
    loss, positions = document_loss([26, 4, 12, 12, 0, 26], weights, config)
    print(f"an untrained model of {config.parameters():,} parameters on 'emma':")
    print(f"{loss / positions:.4f} nats per token; guessing blindly would be {math.log(27):.4f}")


if __name__ == "__main__":
    _demo()

"""Vectors of the model: operations of Value, weights, intermediates, gradients, the toy GPT."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from conformance.reference import Json, engine, lists, model, run, shape_of

from microgpt import model as forward_pass
from microgpt import trace
from microgpt.autograd import Value
from microgpt.config import Config, make_config
from microgpt.engines.scalar import ScalarEngine

# ---------------------------------------------------------------- operations


BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
}


def evaluate(nodes: Sequence[Sequence[Any]]) -> list[Value]:
    """Build the graph that a case describes; an operand is a node's index or {"number": x}."""
    built: list[Value] = []

    def operand(x: Any) -> Any:
        return x["number"] if isinstance(x, dict) else built[x]

    for name, *args in nodes:
        if name == "leaf":
            built.append(Value(args[0]))
        elif name == "pow":
            built.append(built[args[0]] ** args[1])
        elif name in ("log", "exp", "relu"):
            built.append(getattr(built[args[0]], name)())
        elif name == "neg":
            built.append(-built[args[0]])
        else:
            a, b = map(operand, args)
            built.append(BINARY[name](a, b))
    return built


def _graph(name: str, why: str, nodes: list[list[Any]]) -> Json:
    built = evaluate(nodes)
    built[-1].backward()
    return {
        "name": name,
        "why": why,
        "nodes": nodes,
        "data": [float(v.data) for v in built],
        "grads": [float(v.grad) for v in built],
    }


def _leaf(*numbers: float) -> list[list[Any]]:
    return [["leaf", x] for x in numbers]


def operations() -> Json:
    n = "number"
    softmax = [
        *_leaf(2.0, 1.0, 0.0),
        *(["sub", i, {n: 2.0}] for i in range(3)),
        *(["exp", i] for i in range(3, 6)),
        ["add", 6, 7],
        ["add", 9, 8],
        ["pow", 10, -1],
        *(["mul", i, 11] for i in range(6, 9)),
        ["log", 13],
        ["mul", 15, {n: -1}],
    ]
    norm = [
        *_leaf(3.0, 4.0, 0.0),
        *(["mul", i, i] for i in range(3)),
        ["add", 3, 4],
        ["add", 6, 5],
        ["mul", 7, {n: 3**-1}],
        ["add", 8, {n: 1e-5}],
        ["pow", 9, -0.5],
        *(["mul", i, 10] for i in range(3)),
        ["add", 11, 12],
    ]
    cases = [
        _graph("add", "each operand gets the sum's gradient", [*_leaf(2.0, -7.5), ["add", 0, 1]]),
        _graph("mul", "each operand gets the other", [*_leaf(-6.0, 7.0), ["mul", 0, 1]]),
        _graph("sub", "a - b is a + (-b)", [*_leaf(0.1, 0.3), ["sub", 0, 1]]),
        _graph("div", "a / b is a * b**-1", [*_leaf(5.0, 3.0), ["div", 0, 1]]),
        _graph(
            "div_last_bit",
            "49 / 49 would be 1, 49 * 49**-1 is 0.9999999999999999",
            [*_leaf(49.0, 49.0), ["div", 0, 1]],
        ),
        _graph("neg", "a * -1", [*_leaf(1.5), ["neg", 0]]),
        _graph("number_right", "a plain number is a leaf", [*_leaf(1.5), ["mul", 0, {n: 4.0}]]),
        _graph("number_sub", "number - a", [*_leaf(1.5), ["sub", {n: 4.0}, 0]]),
        _graph("number_div", "number / a", [*_leaf(8.0), ["div", {n: 1.0}, 0]]),
        _graph("square", "p x^(p-1)", [*_leaf(-3.0), ["pow", 0, 2]]),
        _graph("square_at_0", "relu squared at 0: gradient 0", [*_leaf(0.0), ["pow", 0, 2]]),
        _graph("inverse", "** -1, as softmax and division use it", [*_leaf(0.7), ["pow", 0, -1]]),
        _graph(
            "inverse_root",
            "** -0.5, as rmsnorm uses it, at its smallest: 1e-5",
            [*_leaf(1e-5), ["pow", 0, -0.5]],
        ),
        _graph("cube_root", "a power without a short name", [*_leaf(27.0), ["pow", 0, 1 / 3]]),
        _graph("log", "natural logarithm", [*_leaf(0.25), ["log", 0]]),
        _graph("log_small", "of a very unlikely token", [*_leaf(1e-300), ["log", 0]]),
        _graph("exp", "its own gradient", [*_leaf(1.0), ["exp", 0]]),
        _graph("exp_low", "underflows to 0 without an error", [*_leaf(-800.0), ["exp", 0]]),
        _graph("relu_above", "passes on", [*_leaf(0.5), ["relu", 0]]),
        _graph("relu_below", "stops", [*_leaf(-0.5), ["relu", 0]]),
        _graph("relu_at_0", "the gradient at 0 is 0", [*_leaf(0.0), ["relu", 0]]),
        _graph("relu_tiny", "the smallest number above 0 passes", [*_leaf(5e-324), ["relu", 0]]),
        _graph("twice", "a + a: both uses add up in a.grad", [*_leaf(3.0), ["add", 0, 0]]),
        _graph("itself", "a * a", [*_leaf(3.0), ["mul", 0, 0]]),
        _graph(
            "lesson",
            "L = a*b + a at a = 2, b = 3: 8, gradients 4 and 2; fails if grad is set, not added",
            [*_leaf(2.0, 3.0), ["mul", 0, 1], ["add", 2, 0]],
        ),
        _graph(
            "diamond",
            "c is used on two paths that meet: it must be complete before it hands on",
            [*_leaf(2.0, 3.0), ["mul", 0, 1], ["exp", 2], ["mul", 2, 3], ["add", 4, 2]],
        ),
        _graph(
            "course", "-6 * 7 + 10 = -32", [*_leaf(-6.0, 7.0, 10.0), ["mul", 0, 1], ["add", 3, 2]]
        ),
        _graph(
            "neuron",
            "relu(w*x + b) at w = 2, b = -3, x = 4",
            [*_leaf(2.0, -3.0, 4.0), ["mul", 0, 2], ["add", 3, 1], ["relu", 4]],
        ),
        _graph(
            "squared_error",
            "(w*x + b - y)^2 at x = 3, y = 10, w = 2, b = 1: 9, d/dw -18, d/db -6",
            [*_leaf(2.0, 1.0), ["mul", 0, {n: 3.0}], ["add", 2, 1], ["sub", 3, {n: 10.0}],
             ["pow", 4, 2]],
        ),
        _graph(
            "unused",
            "a node that the last one doesn't need keeps gradient 0",
            [*_leaf(2.0, 5.0), ["exp", 1], ["mul", 0, 0]],
        ),
        _graph("softmax_loss", "-log softmax([2, 1, 0])[1], as the model computes it", softmax),
        _graph("rmsnorm", "rmsnorm([3, 4, 0]) = [1.039, 1.386, 0]", norm),
    ]  # fmt: skip
    return {
        "about": "Graphs of single numbers: nodes in order, each an operation on earlier ones "
        "(or on a plain number), their values, and the gradient of the last node by each.",
        "cases": cases,
    }


# ---------------------------------------------------------------- models, forward, gradients


def models() -> Json:
    about = {
        "final": "the initial weights of preset final, seed 42, after the shuffle of the names",
        "early": "those of preset early: attn_wo and mlp_fc2 are 0, block 8, ReLU squared",
        "tiny": "one layer with three heads of two numbers: small enough for every check",
        "small": "two layers, ReLU squared, a block of 6: where layers and heads can be confused",
    }
    cases = []
    for name, why in about.items():
        config, weights = model(name)
        cases.append(
            {"name": name, "why": why, "config": shape_of(config), "weights": lists(weights)}
        )
    return {
        "about": "Weights (out × in) that the other files refer to by name. Stored, because gauss "
        "may differ by 4 ulp between platforms; BOS is the last token.",
        "cases": cases,
    }


def forward() -> Json:
    yuheng = run("final").tokenizer.encode_document("yuheng")
    table = [
        ("final_yuheng", "final", yuheng, "the first document of the reference run; the last BOS "
         "is read as well"),
        ("trained_ana", "trained", [26, 0, 13, 0], "trained weights look at some positions more"),
        ("trained_full", "trained", [26, *range(16)], "block_size + 1 tokens: the last is only a "
         "target"),
        ("small_full", "small", [4, 0, 1, 1, 3, 2, 4], "two layers, all positions, ReLU squared"),
        ("tiny_one", "tiny", [3], "one position looks at itself alone: every weight is 1"),
        ("tiny_same", "tiny", [3, 0, 0, 0, 3], "the same token differs by its position alone"),
        ("early_short", "early", [26, 4, 26], "attention and MLP add nothing while attn_wo and "
         "mlp_fc2 are 0"),
    ]  # fmt: skip
    cases = []
    for name, which, tokens, why in table:
        values = engine(which).trace(tokens)
        if name == "trained_full":
            values = {key: values[key] for key in ("logits", "loss")}
        cases.append(
            {"name": name, "why": why, "model": which, "tokens": tokens, "trace": lists(values)}
        )
    return {
        "about": "All intermediates of the forward pass by the names of trace.json, the position "
        "first; loss where the next token is known. One case holds logits and loss alone.",
        "cases": cases,
    }


def gradients() -> Json:
    words = [run("final").tokenizer.encode_document(doc) for doc in ("yuheng", "diondre", "jori")]
    table = [
        ("final_one", "final", words[:1], "every parameter, one document"),
        ("final_batch", "final", words, "three documents of 7, 8 and 5 positions: the sum over "
         "positions divided by 20, not a mean of means"),
        ("early_one", "early", [words[0]], "with attn_wo = mlp_fc2 = 0 only these, lm_head and "
         "the embeddings get a gradient"),
        ("tiny_full", "tiny", [[3, 0, 1, 2, 0, 3]], "every position of the block"),
        ("tiny_empty", "tiny", [[3, 3]], "an empty document has one position, BOS after BOS"),
        ("tiny_batch", "tiny", [[3, 1, 3], [3, 0, 2, 2, 1, 0], [3, 3], [3, 1, 3]], "lengths in no "
         "order, a document twice, tokens several times"),
        ("small_batch", "small", [[4, 0, 4], [4, 1, 2, 3, 0, 1, 4], [4, 2, 2, 4]], "two layers: "
         "gradients through the cache of the lower one"),
    ]  # fmt: skip
    return {
        "about": "Loss of a batch, and its gradient by every parameter.",
        "cases": [_gradient_case(name, why, which, docs) for name, which, docs, why in table],
    }


def _gradient_case(
    name: str,
    why: str,
    which: str,
    docs: list[list[int]],
    weights: list[list[float]] | None = None,
) -> Json:
    flat = None if weights is None else [weight for doc in weights for weight in doc]
    loss, grads = engine(which).grads(docs, flat)
    return {
        "name": name,
        "why": why,
        "model": which,
        "docs": docs,
        **({} if weights is None else {"weights": weights}),
        "positions": sum(len(doc) - 1 for doc in docs),
        "loss": loss,
        "grads": lists(grads),
    }


def weighted_gradients() -> Json:
    table = [
        ("weighted_one", "tiny", [[3, 0, 1, 2, 0, 3]], [[0.5, 2.0, 0.25, 1.0, 3.0]],
         "every weight at its position; divided by the 5 positions, not by the weights' sum 6.75"),
        ("weighted_prompt", "tiny", [[3, 0, 2, 1, 3]], [[0.0, 0.0, 1.0, 1.0]],
         "a prompt's positions count nothing, but are seen by the others and are in the divisor"),
        ("weighted_negative", "tiny", [[3, 1, 2, 3], [3, 0, 3]], [[-1.0, 0.5, -2.0], [0.25, -0.75]],
         "negative weights: a loss below 0"),
        ("weighted_batch", "tiny", [[3, 1, 3], [3, 0, 2, 2, 1, 0], [3, 3], [3, 1, 3]],
         [[1.5, -0.5], [0.0, 0.0, 0.0, 0.0, 0.0], [2.0], [0.25, 1.0]],
         "lengths in no order: weights stay with their documents; a document twice with other "
         "weights; one with zeros alone, so that the embeddings of 0 and 2 get no gradient"),
        ("weighted_last_zero", "tiny", [[3, 1, 0, 3], [3, 2, 1, 3]],
         [[0.5, 1.5, -1.0], [0.0, 0.0, 0.0]],
         "two documents of one length, the last with zeros alone"),
        ("weighted_nothing", "tiny", [[3, 0, 1, 3], [3, 2, 3]], [[0.0, 0.0, 0.0], [0.0, 0.0]],
         "zeros alone: loss and gradients are exactly 0"),
        ("weighted_small", "small", [[4, 0, 4], [4, 1, 2, 3, 0, 1, 4], [4, 2, 2, 4]],
         [[0.125, 1.0], [0.0, -0.3, 0.0, 0.7, 2.0, 0.1], [1.0, 0.0, -1.25]],
         "two layers: through the cache, gradients reach positions whose own weight is 0"),
    ]  # fmt: skip
    return {
        "about": "As gradients.json, where -log p of each position is multiplied by a weight "
        "(weights, a list for each document); the sum is divided by the number of positions.",
        "cases": [
            _gradient_case(name, why, which, docs, weights)
            for name, which, docs, weights, why in table
        ],
    }


# ---------------------------------------------------------------- the toy GPT

TOY_TOKENS = ("BOS", "a", "b", "c")
TOY_WEIGHTS = {
    "wte": [[0.2, 0.3], [0.5, -0.1], [-0.3, 0.4], [0.1, 0.2]],
    "wpe": [[0.1, -0.05], [0.05, 0.15], [-0.1, 0.1], [0.15, 0.0]],
    "lm_head": [[0.3, 0.1], [-0.2, 0.4], [0.5, -0.3], [-0.1, 0.6]],
    "layer0.attn_wq": [[0.5, 0.2], [0.1, 0.4]],
    "layer0.attn_wk": [[0.3, -0.1], [0.2, 0.5]],
    "layer0.attn_wv": [[0.4, 0.1], [-0.2, 0.6]],
    "layer0.attn_wo": [[0.6, 0.2], [0.1, 0.7]],
    "layer0.mlp_fc1": [
        [0.4, 0.1], [-0.2, 0.5], [0.3, -0.3], [0.1, 0.4],
        [-0.5, 0.2], [0.2, -0.1], [0.6, 0.3], [-0.1, -0.4],
    ],
    "layer0.mlp_fc2": [
        [0.1, 0.3, -0.2, 0.4, 0.0, 0.2, -0.1, 0.5],
        [-0.3, 0.2, 0.5, -0.1, 0.4, -0.4, 0.3, 0.1],
    ],
}  # fmt: skip
TOY_CACHE = {"keys": [[0.3, 0.1], [-0.1, 0.4]], "values": [[0.2, -0.3], [0.5, 0.2]]}


def toy_config() -> Config:
    return make_config(n_layer=1, n_embd=2, n_head=1, block_size=4, vocab_size=4)


def pinned_trace(token: int) -> Json:
    """Intermediates of a token at position 2, after the cache that the walkthrough pins."""
    row: Json = {}
    keys, values = [list(TOY_CACHE["keys"])], [list(TOY_CACHE["values"])]
    logits = forward_pass.gpt(token, 2, keys, values, TOY_WEIGHTS, toy_config(), row.__setitem__)
    row["probs"] = forward_pass.softmax(logits)
    row["loss_if_target"] = [-math.log(p) for p in row["probs"]]
    return {name.removeprefix("layer0."): value for name, value in row.items()}


def by_hand(token: int) -> Json:
    """The pinned forward pass with every vector rounded to two decimals and carried on that way.

    In decimal arithmetic, as on paper; ties round away from zero. Not rounded: the norms' scales,
    the exponentials and their sum. sqrt 2 is 1.41. The loss comes from the rounded logits.
    """

    def rounded(xs: Sequence[Decimal]) -> list[Decimal]:
        return [x.quantize(Decimal("0.01"), ROUND_HALF_UP) for x in xs]

    def decimals(rows: Sequence[Sequence[float]]) -> list[list[Decimal]]:
        return [[Decimal(repr(x)) for x in row] for row in rows]

    def dots(rows: Sequence[Sequence[Decimal]], x: Sequence[Decimal]) -> list[Decimal]:
        return rounded([sum(map(operator.mul, row, x), Decimal()) for row in rows])

    def times(name: str, x: Sequence[Decimal]) -> list[Decimal]:
        return dots(decimals(TOY_WEIGHTS[name]), x)

    def added(x: Sequence[Decimal], y: Sequence[Decimal]) -> list[Decimal]:
        return rounded(list(map(operator.add, x, y)))

    def norm(x: Sequence[Decimal]) -> list[Decimal]:
        scale = (float(sum(a * a for a in x)) / len(x) + 1e-5) ** -0.5
        return rounded([a * Decimal(scale) for a in x])

    def softmax(x: Sequence[Decimal]) -> list[Decimal]:
        exps = [math.exp(a) for a in x]
        return rounded([Decimal(e / math.fsum(exps)) for e in exps])

    emb = added(decimals(TOY_WEIGHTS["wte"])[token], decimals(TOY_WEIGHTS["wpe"])[2])
    x = norm(emb)
    normed = norm(x)
    q, k, v = (times(f"layer0.attn_w{name}", normed) for name in "qkv")
    keys, values = [*decimals(TOY_CACHE["keys"]), k], [*decimals(TOY_CACHE["values"]), v]
    qk = dots(keys, q)
    scores = rounded([s / Decimal("1.41") for s in qk])
    weights = softmax(scores)
    head = dots(list(zip(*values, strict=True)), weights)
    attn = times("layer0.attn_wo", head)
    after = added(attn, x)
    middle = norm(after)
    pre = times("layer0.mlp_fc1", middle)
    fc1 = [max(Decimal(), a) for a in pre]
    out = times("layer0.mlp_fc2", fc1)
    last = added(out, after)
    logits = times("lm_head", last)
    total = Decimal(math.log(math.fsum(math.exp(a) for a in logits)))
    columns = {
        "emb": emb, "x": x, "x_pre_attn": normed, "q": q, "k": k, "v": v, "qk": qk,
        "scores": scores, "weights": weights, "head_out": head, "x_attn": attn,
        "x_after_attn": after, "x_pre_mlp": middle, "fc1_pre": pre, "fc1": fc1, "mlp_out": out,
        "x_final": last, "logits": logits, "probs": softmax(logits),
        "loss_if_target": rounded([total - a for a in logits]),
    }  # fmt: skip
    return {name: [float(x) for x in column] for name, column in columns.items()}


def toy_gpt() -> Json:
    config = toy_config()
    made = ScalarEngine()
    made.load(config, "float64", {n: np.array(rows) for n, rows in TOY_WEIGHTS.items()})
    computed = made.trace([0, 1, 2])
    return {
        "about": "The toy GPT of the walkthrough: 72 parameters, BOS = 0, a, b, c = 1, 2, 3. What "
        "its weights compute, and one token at position 2 after a cache that the walkthrough pins.",
        "config": shape_of(config),
        "weights": TOY_WEIGHTS,
        "pinned_cache": TOY_CACHE,
        "cases": [
            {
                "name": "BOS_a_b",
                "why": "the cache that the weights themselves compute, which isn't the pinned one",
                "tokens": [0, 1, 2],
                "trace": lists(computed),
            },
            *(
                {
                    "name": f"pinned_{name}",
                    "why": f"{name} at position 2 after the pinned cache; names of layer 0 without "
                    "their prefix; loss for every target; and the same rounded as by hand",
                    "token": token,
                    "row": pinned_trace(token),
                    "by_hand": by_hand(token),
                }
                for token, name in enumerate(TOY_TOKENS)
            ),
        ],
    }


def trace_table() -> Json:
    """trace.json: the table of trace.py for programs that can't import it."""
    parts = {"before": trace.BEFORE, "per_layer": trace.PER_LAYER, "after": trace.AFTER,
             "known_target": (trace.LOSS,)}  # fmt: skip
    return {
        "about": "Names, axes and order of all intermediates, generated from microgpt/trace.py. "
        "The position T comes first in every array; then C n_embd, H n_head, F 4 C, V vocabulary. "
        "per_layer names get the prefix layer{i}. and come once a layer, in order.",
        **{
            part: [{"name": i.name, "axes": "T" + i.axes, "about": i.about} for i in items]
            for part, items in parts.items()
        },
    }


FILES = {
    "operations": operations,
    "models": models,
    "forward": forward,
    "gradients": gradients,
    "weighted_gradients": weighted_gradients,
    "toy_gpt": toy_gpt,
}

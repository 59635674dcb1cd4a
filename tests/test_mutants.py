"""Seeded bugs: the conformance checks must catch every one of them, or they prove nothing.

Each mutant is the source of some modules with one place changed, run as modules of the same names
for the time of the test. The checks that run on it are those of conformance/checks.py.
"""

import importlib
import random
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from conformance import checks, make_ground, make_model, vectorfile  # noqa: E402

SCALAR = ("autograd", "model", "engines.drawing", "engines.base", "engines.scalar")
NUMPY = ("engines.drawing", "engines.base", "engines.advancing", "engines.numpy.math",
         "engines.numpy.sampling", "engines.numpy.engine")  # fmt: skip
SMALL = ("tiny_full", "tiny_batch", "small_full", "small_batch", "adam_tiny", "adam_tiny_part",
         "sgd_tiny", "adam_tiny_on", "beyond_block", "guard_length", "guard_rows",
         "weighted_one", "weighted_negative", "weighted_last_zero", "weighted_adam_tiny",
         "prefix_beyond", "top_k", "top_p")  # fmt: skip


class Mutant(NamedTuple):
    """One change of a module's source: the text ``old``, which is there once, becomes ``new``."""

    name: str
    module: str
    old: str
    new: str


@contextmanager
def mutated(chain: tuple[str, ...], mutant: Mutant | None) -> Iterator[types.ModuleType]:
    """The last module of ``chain``, all of them run anew from source with the mutant's change."""
    before: list[tuple[str, Any, types.ModuleType]] = []
    module = None
    for short in chain:
        name = f"microgpt.{short}"
        real = importlib.import_module(name)
        assert real.__file__ is not None
        source = Path(real.__file__).read_text(encoding="utf-8")
        if mutant is not None and short == mutant.module:
            count = source.count(mutant.old)
            assert count == 1, f"{mutant.name}: {mutant.old!r} is {count} times in {short}, not 1"
            source = source.replace(mutant.old, mutant.new)
        module = types.ModuleType(name)
        module.__file__ = real.__file__
        parent, _, attribute = name.rpartition(".")
        before.append((name, real, sys.modules[parent]))
        sys.modules[name] = module
        setattr(sys.modules[parent], attribute, module)
        try:
            exec(compile(source, f"<{short} mutated>", "exec"), module.__dict__)
        except BaseException:
            _restore(before)
            raise
    assert module is not None
    try:
        yield module
    finally:
        _restore(before)


def _restore(before: list[tuple[str, Any, types.ModuleType]]) -> None:
    for name, real, parent in before:
        sys.modules[name] = real
        setattr(parent, name.rpartition(".")[2], real)


def caught_by(make: Any, names: tuple[str, ...] | None) -> str | None:
    """The first check whose comparison fails, with what it says; None if none does.

    A check that crashes has compared nothing: it proves nothing, and the next one is asked.
    """
    sampler = sys.modules["microgpt.engines.drawing"].Sampler  # it may be the mutant's
    for name, check in checks.CHECKS.items():
        try:
            with np.errstate(all="ignore"), mock.patch.object(checks, "Sampler", sampler):
                check(make, "float64", names)
        except checks.Wrong as wrong:
            return f"{name}: {wrong}"
        except Exception as crash:
            print(f"{name} crashes: {type(crash).__name__}: {crash}")
    return None


# ---------------------------------------------------------------- the scalar engine and the model

SCALAR_MUTANTS = [
    Mutant("grad set, not added", "autograd", "child.grad += local", "child.grad = local"),
    Mutant("relu lets through at and below 0", "autograd", "float(self.data > 0)", "1.0"),
    Mutant("relu's gradient at 0 is 1", "autograd", "self.data > 0)", "self.data >= 0)"),
    Mutant("power keeps its exponent", "autograd", "self.data ** (power - 1)", "self.data**power"),
    Mutant("log's gradient", "autograd", "(1 / self.data,)", "(1 / self.data**2,)"),
    Mutant("mul's gradients swapped", "autograd", "(other.data, self.data)",
           "(self.data, other.data)"),
    Mutant("backward in the wrong order", "autograd", "in reversed(order)", "in order"),
    Mutant("no 1/sqrt(d)", "model", "[s * (config.head_dim**0.5) ** -1 for s in qk]",
           "[s * 1.0 for s in qk]"),
    Mutant("1/d in place of 1/sqrt(d)", "model", "config.head_dim**0.5", "config.head_dim**1.0"),
    Mutant("scaled by n_embd", "model", "config.head_dim**0.5", "config.n_embd**0.5"),
    Mutant("its own position isn't seen", "model", "for k in keys]", "for k in keys[:-1] or keys]"),
    Mutant("all heads look at head 0", "model", "dot(q[lo:hi], k[lo:hi])",
           "dot(q[: hi - lo], k[: hi - lo])"),
    Mutant("no residual around attention", "model",
           '"x_after_attn", [a + r for a, r in', '"x_after_attn", [a for a, r in'),
    Mutant("no residual around the MLP", "model", 'noted("x_final", [a + r for a, r in',
           'noted("x_final", [a for a, r in'),
    Mutant("no eps in the norm", "model", "(mean_square + 1e-5)", "(mean_square + 0.0)"),
    Mutant("eps 1e-6 in the norm", "model", "(mean_square + 1e-5)", "(mean_square + 1e-6)"),
    Mutant("norm by the sum, not the mean", "model", "dot(x, x) * (len(x) ** -1)",
           "dot(x, x) * 1.0"),
    Mutant("position shifted", "model", 'weights["wpe"][position]', 'weights["wpe"][position - 1]'),
    Mutant("no first norm", "model", "x = [e * scale for e in emb]", "x = list(emb)"),
    Mutant("a norm before lm_head", "model", 'linear(x, weights["lm_head"])',
           'linear(rmsnorm(x), weights["lm_head"])'),
    Mutant("tied weights", "model", 'weights["lm_head"]', 'weights["wte"]'),
    Mutant("squares forgotten", "model", 'if activation == "relu_squared"', "if False"),
    Mutant("target shifted", "model", "surprise(logits, tokens[position + 1])",
           "surprise(logits, tokens[position])"),
    Mutant("last position left out", "model", "range(len(tokens) - 1)",
           "range(max(1, len(tokens) - 2))"),
    Mutant("one cache for all layers", "model", "for _ in range(config.n_layer)]",
           "for _ in [0]] * config.n_layer"),
    Mutant("divided by documents, not positions", "engines.scalar", "total / positions",
           "total / len(docs)"),
    Mutant("mean of the documents' means", "engines.scalar",
           "total, _ = model.document_loss(doc, self.weights, self.config, here)",
           "total = model.document_loss(doc, self.weights, self.config, here)[0]"
           " / (len(doc) - 1) * positions / len(docs)"),
    Mutant("gradients not set to 0", "engines.scalar", "p.grad = 0.0", "pass"),
    Mutant("no bias correction", "engines.scalar", "self.m[i] / (1 - beta1**t)", "self.m[i]"),
    Mutant("bias correction starts anew", "engines.scalar", "self._update(lr, first_step + i + 1)",
           "self._update(lr, i + 1)"),
    Mutant("step counted from 0", "engines.scalar", "self._update(lr, first_step + i + 1)",
           "self._update(lr, first_step + i + 2)"),
    Mutant("eps inside the root", "engines.scalar", "(v_hat**0.5 + eps)", "(v_hat + eps) ** 0.5"),
    Mutant("betas swapped", "engines.scalar",
           "beta1, beta2, eps = self.config.beta1, self.config.beta2,",
           "beta2, beta1, eps = self.config.beta1, self.config.beta2,"),
    Mutant("SGD climbs", "engines.scalar", "p.data -= lr * p.grad", "p.data += lr * p.grad"),
    Mutant("moments not loaded", "engines.scalar", "self._flat(optim.m if optim else {})",
           "self._flat({})"),
    Mutant("window one too short", "engines.scalar", "tokens = tokens[-block:]",
           "tokens = tokens[1 - block :]"),
    Mutant("guard not asked", "engines.drawing", "banned = None if self.guard is None else",
           "banned = None if True else"),
    Mutant("all rows draw the same", "engines.scalar",
           'at = i * most if how.order == "rows" else used',
           'at = 0 if how.order == "rows" else used'),
    Mutant("temperature multiplied", "engines.drawing", "temperature**-1", "temperature"),
    Mutant("bisect_left", "engines.drawing", "bisect_right(sums", "bisect_left(sums"),
    Mutant("top_k keeps one more", "engines.drawing", "ranked[:top_k]", "ranked[: top_k + 1]"),
    Mutant("weights ignored", "model", "if position_weights is not None:", "if False:"),
    Mutant("weights of the loss alone", "model",
           "[loss * w for loss, w in zip(losses, position_weights, strict=True)]",
           "[loss + plain(loss) * (w - 1) for loss, w in zip(losses, position_weights)]"),
    Mutant("weights after the mean", "engines.scalar", "parts.append(loss.data)",
           "parts.append(loss.data)\n                if here and (mean := sum(here) / len(here)):"
           "\n                    parts[-1] = loss.data / mean"),
    Mutant("weights shifted by one", "engines.scalar", "weights[at : at + len(doc) - 1]",
           "np.roll(weights, -1)[at : at + len(doc) - 1]"),
    Mutant("weights of the last document for all", "engines.scalar",
           "weights[at : at + len(doc) - 1]",
           "np.resize(weights[len(weights) + 1 - len(docs[-1]) :], len(doc) - 1)"),
    Mutant("weights below 0 taken for 0", "engines.base",
           "np.ascontiguousarray(self.weights, np.float64)",
           "np.maximum(np.ascontiguousarray(self.weights, np.float64), 0)"),
]  # fmt: skip
EQUAL_HERE = {"relu's gradient at 0 is 1", "bisect_left"}
"""Caught by the vectors of operations and choices alone, below: no engine case meets them."""


def test_scalar_engine_passes_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    with mutated(SCALAR, None) as module:
        assert caught_by(module.ScalarEngine, SMALL) is None
    assert "crashes" not in capsys.readouterr().out


def test_a_crash_is_not_a_catch() -> None:
    def broken() -> Any:
        raise ZeroDivisionError

    assert caught_by(broken, SMALL) is None


@pytest.mark.parametrize(
    "mutant",
    [m for m in SCALAR_MUTANTS if m.name not in EQUAL_HERE],
    ids=lambda m: m.name,
)
def test_scalar_mutant_is_caught(mutant: Mutant) -> None:
    with mutated(SCALAR, mutant) as module:
        found = caught_by(module.ScalarEngine, SMALL)
    assert found is not None, f"nothing notices: {mutant.name}"
    print(f"{mutant.name}: {found}")


# ---------------------------------------------------------------- the NumPy engine

NUMPY_MUTANTS = [
    Mutant("no 1/sqrt(d)", "engines.numpy.math", "        p *= math.sqrt(n_head / c)\n", ""),
    Mutant("no 1/sqrt(d) backward", "engines.numpy.math",
           "        ds *= math.sqrt(n_head / c)\n", ""),
    Mutant("sees one position ahead", "engines.numpy.math", "-np.inf, dtype), -1)",
           "-np.inf, dtype), -2)"),
    Mutant("doesn't see itself", "engines.numpy.math", "-np.inf, dtype), -1)",
           "-1e9, dtype), 0)"),
    Mutant("softmax without its maximum", "engines.numpy.math",
           "    scores -= np.maximum.reduce(scores, axis=0)\n",
           "    scores -= 2 * np.maximum.reduce(scores, axis=0).max() + 1e6\n"),
    Mutant("softmax backward without the sum", "engines.numpy.math",
           "        ds -= np.add.reduce(ds * p, axis=0)\n", ""),
    Mutant("norm backward without the projection", "engines.numpy.math",
           "np.subtract(dy, dx, out=dx)", "np.copyto(dx, dy)"),
    Mutant("norm backward divides by nothing", "engines.numpy.math",
           "    along /= y.shape[1]\n", ""),
    Mutant("no eps in the norm", "engines.numpy.math", "    scale += c * EPS\n", ""),
    Mutant("no residual around attention", "engines.numpy.math", "        middle += x\n", ""),
    Mutant("no residual around the MLP", "engines.numpy.math", "        x += middle\n", ""),
    Mutant("residual without gradient", "engines.numpy.math",
           "dx += rmsnorm_back(dqkv.dot(layer.qkv)", "dx = rmsnorm_back(dqkv.dot(layer.qkv)"),
    Mutant("relu's derivative forgotten", "engines.numpy.math",
           "dhidden *= at.positive > 0", "pass"),
    Mutant("square's derivative without 2", "engines.numpy.math",
           "            dhidden *= 2\n", ""),
    Mutant("positions and tokens swapped", "engines.numpy.math",
           "embedding_back(demb, positions, g.wpe)",
           "embedding_back(demb, np.minimum(tokens, len(g.wpe) - 1), g.wpe)"),
    Mutant("target not subtracted", "engines.numpy.math",
           "logits.reshape(-1)[chosen] -= 1 / positions", "pass"),
    Mutant("divided by what is here", "engines.numpy.math",
           "dtype=np.float64)) / positions", "dtype=np.float64)) / count"),
    Mutant("target shifted", "engines.numpy.engine", "tokens[plan.rows], tokens[plan.rows + 1]",
           "tokens[plan.rows], tokens[plan.rows]"),
    Mutant("position shifted", "engines.numpy.engine", "places: Ints = np.arange(n)",
           "places: Ints = np.maximum(np.arange(n) - 1, 0)"),
    Mutant("no bias correction", "engines.numpy.engine", "/ (1 - beta1**t)", ""),
    Mutant("eps not corrected", "engines.numpy.engine", "s += self.config.eps * root",
           "s += self.config.eps"),
    Mutant("betas swapped", "engines.numpy.engine",
           "beta1, beta2 = self.config.beta1, self.config.beta2",
           "beta2, beta1 = self.config.beta1, self.config.beta2"),
    Mutant("gradient not squared", "engines.numpy.engine", "        g *= g\n", ""),
    Mutant("logits in the order of lengths", "engines.numpy.engine", "results[doc] = rows",
           "results[len([r for r in results if len(r)]) % len(results)] = rows"),
    Mutant("cache overwritten", "engines.numpy.sampling",
           "self.keys[i][:, :, t], self.values[i][:, :, t] = k, v",
           "self.keys[i][:, :, t], self.values[i][:, :, 0] = k, v"),
    Mutant("window one too late", "engines.numpy.sampling",
           "tokens[:, length - block :]", "tokens[:, length - block - 1 : -1]"),
    Mutant("forced letters don't move the guard", "engines.advancing",
           "walk(how.guard, prefixes[i][:most])", "walk(how.guard, prefixes[i][:0])"),
    Mutant("draws counted with prefixes", "engines.advancing",
           "(np.minimum(ends + 1, most) - forced)", "(np.minimum(ends + 1, most))"),
    Mutant("nucleus one too small", "engines.advancing",
           "ranked[:, 1:][reached >= top_p * mass[:, None]] = 0",
           "ranked[:, :-1][reached >= top_p * mass[:, None]] = 0"),
    Mutant("weights ignored", "engines.numpy.math",
           "        surprise = surprise * weights  # float64\n",
           "        weights = np.ones(count)\n"),
    Mutant("weights of the loss alone", "engines.numpy.math",
           "        logits *= weights.astype(logits.dtype)[:, None]\n", "        pass\n"),
    Mutant("weights of the gradients alone", "engines.numpy.math",
           "        surprise = surprise * weights  # float64\n", "        pass\n"),
    Mutant("divided by the sum of the weights", "engines.numpy.math",
           "        surprise = surprise * weights  # float64\n",
           "        weights = weights * positions / (weights.sum() or 1)\n"
           "        surprise = surprise * weights\n"),
    Mutant("weights shifted by one", "engines.numpy.math",
           "        surprise = surprise * weights  # float64\n",
           "        weights = np.roll(weights, -1)\n        surprise = surprise * weights\n"),
    Mutant("weights of the first step for all", "engines.numpy.engine",
           "weights = batches.weights_of(first, counts[i])",
           "weights = batches.weights\n                if weights is not None:\n"
           "                    weights = weights[: int(offsets[-1] - offsets[0]) - counts[i]]"),
    Mutant("weights in the order given", "engines.numpy.engine",
           "weights = weights[plan.rows - offsets[0] - document]", "pass"),
    Mutant("weights without a document's first token counted", "engines.numpy.engine",
           "weights[plan.rows - offsets[0] - document]",
           "weights[np.minimum(plan.rows - offsets[0], len(weights) - 1)]"),
]  # fmt: skip


def test_numpy_engine_passes_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    with mutated(NUMPY, None) as module:
        assert caught_by(module.NumpyEngine, None) is None
    assert "crashes" not in capsys.readouterr().out


@pytest.mark.parametrize("mutant", NUMPY_MUTANTS, ids=lambda m: m.name)
def test_numpy_mutant_is_caught(mutant: Mutant) -> None:
    with mutated(NUMPY, mutant) as module:
        found = caught_by(module.NumpyEngine, None)
    assert found is not None, f"nothing notices: {mutant.name}"
    print(f"{mutant.name}: {found}")


# ---------------------------------------------------------------- the ground


def operations(module: types.ModuleType) -> bool:
    for case in vectorfile.cases("operations").values():
        real, make_model.Value = make_model.Value, module.Value
        try:
            nodes = make_model.evaluate(case["nodes"])
        finally:
            make_model.Value = real
        nodes[-1].backward()
        for part, got in (
            ("data", [n.data for n in nodes]),
            ("grads", [n.grad for n in nodes]),
        ):
            if not np.allclose(case[part], got, rtol=1e-15, atol=0):
                return False
    return True


def distribution(module: types.ModuleType) -> bool:
    for case in vectorfile.cases("distribution").values():
        banned = None if case["banned"] is None else np.array(case["banned"], bool)
        args = (case["temperature"], case["top_k"], case["top_p"], banned)
        logits = np.array(case["logits"])
        if not np.allclose(case["probs"], module.distribution(logits, *args), rtol=1e-14):
            return False
        if any(module.choose(logits, u, *args) != token for u, token in case["choices"]):
            return False
    return module.choose(np.zeros(4), 0.25, 1.0) == 1  # as the case on_the_edge of choices.json


def holdout(module: types.ModuleType) -> bool:
    hashes = vectorfile.cases("holdout")["hashes"]["hashes"]
    if any(module.fnv1a32(text) != h for text, h in hashes):
        return False
    edge = vectorfile.cases("holdout")["edge"]
    parts = module.split(edge["docs"], edge["fraction"], True)
    parts_of_vector = [edge["train"], edge["holdout"], edge["chosen"]]
    return [parts.train, parts.holdout, parts.validation] == parts_of_vector


def tokenizer(module: types.ModuleType) -> bool:
    for case in vectorfile.cases("tokenizer").values():
        made = module.Tokenizer.of(case["docs"])
        if [ord(c) for c in made.uchars] != case["code_points"] or made.bos != case["bos"]:
            return False
        if [made.encode_document(doc) for doc in case["docs"]] != case["documents"]:
            return False
    return True


def schedule(module: types.ModuleType) -> bool:
    for case in vectorfile.cases("schedule").values():
        config = module.Config(**{k: case[k] for k in ("lr", "warmup", "schedule", "steps")})
        if not np.allclose([config.lr_at(s) for s, _ in case["at"]], [lr for _, lr in case["at"]]):
            return False
    return True


def batches(module: types.ModuleType) -> bool:
    from microgpt.config import make_config
    from microgpt.tokenizer import Tokenizer

    for case in vectorfile.cases("batches").values():
        made = Tokenizer.of(case["docs"])
        changes = {key: case[key] for key in ("block_size", "batch_size", "long") if key in case}
        config = make_config(vocab_size=made.vocab_size, **changes)
        rng = random.Random(case["seed"])
        order = module.Order(module.TokenTable(case["docs"], made), config, rng)
        got = [order.batches(step, 1) for step in range(len(case["steps"]))]
        if [b.docs(0, len(b.offsets) - 1) for b in got] != case["steps"]:
            return False
        if [int(b.positions[0]) for b in got] != case["positions"]:
            return False
        if rng.random() != case["next_random"]:
            return False
    return True


def draws(module: types.ModuleType) -> bool:
    refill = [x for x in vectorfile.cases("random_stream")["refill"]["results"] if x is not None]
    rng = random.Random(42)
    first = [*module.uniforms(rng, 2600), *module.uniforms(rng, 2400)]
    after = make_ground.play(random.Random(42), [["skip", 5000], ["random"]])[1]
    return [first[i] for i in (311, 312, 4998, 4999)] == refill and rng.random() == after


GROUND: list[tuple[Callable[[types.ModuleType], bool], Mutant]] = [
    (operations, SCALAR_MUTANTS[0]),
    (operations, SCALAR_MUTANTS[2]),
    (operations, Mutant("number - a", "autograd", "(-self) + other", "self + (-other)")),
    (operations, Mutant("a / b", "autograd", "return self * other**-1",
                        "return self * (1 / other.data if isinstance(other, Value) else 1)")),
    (distribution, next(m for m in SCALAR_MUTANTS if m.name == "bisect_left")),
    (distribution, Mutant("ties to the higher id", "engines.drawing", "(-probs[i], i)",
                          "(-probs[i], -i)")),
    (distribution, Mutant("top_p of everything", "engines.drawing", "top_p * mass", "top_p * 1.0")),
    (distribution, Mutant("nucleus above p only", "engines.drawing", "reached >= top_p",
                          "reached > top_p")),
    (holdout, Mutant("FNV-1, not FNV-1a", "data", "h = (h ^ byte) * 16777619 & 0xFFFFFFFF",
                     "h = (h * 16777619 & 0xFFFFFFFF) ^ byte")),
    (holdout, Mutant("hash of code points", "data", "for byte in text.encode():",
                     "for byte in map(ord, text):")),
    (holdout, Mutant("edge is held out", "data", "if h < holdout:", "if h <= holdout:")),
    (tokenizer, Mutant("a character that no document has", "tokenizer",
                       "sorted(set().union(*docs))", "sorted(set().union(*docs, '\\0'))")),
    (tokenizer, Mutant("BOS comes first", "tokenizer", "self.bos = len(self.uchars)",
                       "self.bos = 0")),
    (schedule, Mutant("one step late", "config", "self.lr * (1 - step / self.steps)",
                      "self.lr * (1 - (step + 1) / self.steps)")),
    (schedule, Mutant("warmup from 0", "config", "(step + 1) / self.warmup",
                      "step / self.warmup")),
    (batches, Mutant("documents a step, not rows", "batches",
                     "np.arange(first_step * size, (first_step + count) * size)",
                     "np.arange(first_step, first_step + count * size)")),
    (batches, Mutant("block_size tokens", "batches",
                     "np.minimum(self.table.lengths[rows], self.config.block_size + 1)",
                     "np.minimum(self.table.lengths[rows], self.config.block_size)")),
    (batches, Mutant("last window left out", "batches", "self.rng.randrange(self.windows)",
                     "self.rng.randrange(max(1, self.windows - 1))")),
    (draws, Mutant("stream left where it was", "stream", "    rng.setstate((version, moved",
                   "    (lambda *_: None)((version, moved")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("passes", "mutant"), GROUND, ids=[f"{check.__name__}: {m.name}" for check, m in GROUND]
)
def test_ground_mutant_is_caught(
    passes: Callable[[types.ModuleType], bool], mutant: Mutant
) -> None:
    with mutated((mutant.module,), None) as module:
        assert passes(module)
    with mutated((mutant.module,), mutant) as module:
        assert not passes(module), f"nothing notices: {mutant.name}"

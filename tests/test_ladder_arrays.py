"""Rungs 6 to 9 of the ladder: train5.py on arrays, in batches, with autograd, in PyTorch.

They compute what rung 5 computes: at one document a step their losses are held to its recorded
ones, to the ninth digit and over the whole run. Rung 9 needs PyTorch, so its tests are left out of
`make test`. The times they quote are those of bench/results/ladder.json.
"""

import ast
import functools
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from ladder_runner import (
    ALONE,
    IN_FULL,
    held_out,
    losses,
    numbers,
    run_rung,
    rung_path,
    rung_source,
    samples,
)
from published import LOSSES, SAMPLES

ROOT = rung_path(0).parents[1]
ARRAYS = range(6, 10)
NINE = pytest.param(9, marks=pytest.mark.torch)
RUN = [6, 7, 8, NINE]
LIBRARY = {6: "numpy", 7: "numpy", 8: "numpy", 9: "torch"}
NAME = {"numpy": "NumPy", "torch": "PyTorch"}
# First printed loss, last printed loss, loss on names that the run never reached.
EXPECTED = {6: ("3.3660", "2.6497", "2.367"), 7: ("3.2780", "2.2838", "2.211")}


def _final():
    vectors = json.loads((ROOT / "conformance/vectors/losses.json").read_text(encoding="utf-8"))
    (case,) = [case for case in vectors["cases"] if case["name"] == "final"]
    return case


@functools.cache
def _run(n, batch_size, steps=None):
    """Namespace, losses in full, samples."""
    old, new = ALONE[0]
    edits = [(old, new.replace(" = 1,", f" = {batch_size},"))] if n > 6 else []
    namespace, lines = run_rung(n, steps, edits=IN_FULL + edits)
    return namespace, np.array(losses(lines), float), samples(lines)


# ---- what the programs look like


@pytest.mark.parametrize("n", ARRAYS)
def test_rung_imports_one_library(n):
    nodes = list(ast.walk(ast.parse(rung_source(n))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert not [node for node in nodes if isinstance(node, ast.ImportFrom)]
    assert names == {"os", "random", "sys", LIBRARY[n]}
    assert not {"sum", "fsum"} & {node.id for node in nodes if isinstance(node, ast.Name)}
    classes = [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    assert classes == ["Value"] * (n == 8)


@pytest.mark.parametrize("n", ARRAYS)
def test_header_says_what_is_the_same_and_what_to_expect(n):
    header = ast.get_docstring(ast.parse(rung_source(n)))
    assert header.startswith(f"Rung {n} of 9: ")
    assert f"\nSame as       train{n - 1}.py: " in header
    for word in ("Different", "Expect", "Faster"):
        assert f"\n{word:14}" in header
    assert f"\nNeeds         {NAME[LIBRARY[n]]}:  python -m pip install {LIBRARY[n]}\n" in header
    first, last, unseen = EXPECTED[min(n, 7)]
    text = " ".join(header.split())
    assert f"never saw: {unseen} nats per token" in text
    assert f"first printed loss is {first}, the last {last};" in text


@pytest.mark.parametrize("n", ARRAYS)
def test_a_rung_is_read_in_one_sitting(n):
    lines = rung_source(n).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= (260 if n == 8 else 210)
    if n == 8:
        assert _length_of_value() < 150


@pytest.mark.parametrize("n", ARRAYS)
def test_documents_and_tokens_are_read_as_by_the_first_rung(n):
    def reading(source):
        return source[source.index("# Which file") : source.index('print(f"vocab size')]

    assert reading(rung_source(n)) == reading(rung_source(0))


# The only functions that differ between a rung and the next one that has them too.
DIFFERENT = {
    (5, 6): {"matrix", "linear", "softmax", "rmsnorm", "gpt", "loss_of"},
    (6, 7): {"linear_back", "split", "join", "gpt", "gpt_back", "loss_of"},
    (7, 8): {"matrix", "linear", "softmax", "rmsnorm", "split", "join", "gpt", "loss_of"},
    (8, 9): {"matrix", "softmax", "gpt", "batch_of", "loss_of"},
}


@pytest.mark.parametrize("pair", DIFFERENT)
def test_what_stays_the_same_is_the_same_text(pair):
    before, after = map(_definitions, pair)
    assert {name for name in before if name in after and before[name] != after[name]} == (
        DIFFERENT[pair]
    )


def _definitions(n):
    source = rung_source(n)
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(source, node) for node in nodes}


def test_the_model_in_pytorch_differs_in_one_line():
    before, after = (_definitions(n)["gpt"].splitlines() for n in (8, 9))
    different = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert len(different) == 1 and all("future = " in line for line in different[0])
    before, after = (rung_source(n).partition("# Training: ")[2] for n in (5, 8))
    adam = re.compile(r"    for p, param in .*?param\.grad = 0\.0\n", re.S)
    assert adam.search(before)[0] == adam.search(after)[0]


# ---- what they compute


@pytest.mark.parametrize("n", RUN)
def test_one_document_a_step_gives_the_losses_and_samples_of_rung_5(n):
    case = _final()
    namespace, found, names = _run(n, 1)
    assert np.abs(found - case["losses"]).max() < 1e-9  # 2e-15 measured
    assert [f"{loss:.4f}" for loss in found[:13]] == [f"{loss:.4f}" for loss in LOSSES]
    assert names == SAMPLES
    assert held_out(namespace) == pytest.approx(case["held_out"]["loss"], abs=1e-9)


@pytest.mark.parametrize("n", RUN)
def test_first_steps_beside_rung_5_itself(n):
    namespace, found, _ = _run(n, 1, 5)
    before, lines = run_rung(5, 5, edits=IN_FULL)
    assert np.abs(found - np.array(losses(lines), float)).max() < 1e-9
    for name, rows in before["state_dict"].items():
        assert np.abs(numbers(namespace["state_dict"][name]) - numbers(rows)).max() < 1e-9


def test_head_of_the_log():
    _, lines = run_rung(6, 1)
    assert lines[:4] == [
        "num docs: 32033",
        "vocab size: 27",
        "num params: 4192",
        "step    1 / 1000 | loss 3.3660",
    ]
    for n in (7, 8):
        _, lines = run_rung(n, 1)
        assert lines[2:4] == ["num params: 4192", "step    1 / 1000 | loss 3.2780"]


def test_whole_run_in_batches():
    namespace, found, _ = _run(7, 16)
    assert (f"{found[0]:.4f}", f"{found[-1]:.4f}", f"{held_out(namespace):.3f}") == EXPECTED[7]


@pytest.mark.parametrize("n", [8, NINE])
def test_batches_give_the_losses_of_rung_7(n):
    _, found, _ = _run(n, 16, 100)
    _, wanted, _ = _run(7, 16)
    assert np.abs(found - wanted[:100]).max() < 1e-9


@pytest.mark.parametrize("n", [7, 8, NINE])
def test_loss_of_a_batch_is_the_mean_over_its_positions(n):
    namespace, _, _ = _run(n, 1, 3)
    batch_of, loss_of = namespace["batch_of"], namespace["loss_of"]
    documents = ["bo", "evangelina", "ada", "maximilianoalexander"]
    alone = [_loss(loss_of(*batch_of([document]))) for document in documents]
    positions = [min(16, len(document) + 1) for document in documents]
    assert _loss(loss_of(*batch_of(documents))) == pytest.approx(
        float(np.dot(alone, positions)) / np.add.reduce(positions), abs=1e-12
    )


def _loss(loss):
    return float(loss[0]) if isinstance(loss, tuple) else float(loss.data)


@pytest.mark.parametrize("n", [7, 8, NINE])
def test_what_stands_in_the_padding_does_not_matter(n):
    padding = ("(row + [BOS] * T)", "(row + [3] * T)")
    _, lines = run_rung(n, 6, edits=[*IN_FULL, padding])
    assert np.array_equal(np.array(losses(lines), float), _run(n, 16, 6)[1])


# Mistakes that a careless rewrite could make: the losses have to notice each, within 8 steps.
MISTAKES = {
    6: {
        "future not hidden": ("np.where(past, scores, -np.inf)", "scores"),
        "one position of the future": ("np.tri(T, dtype=bool)", "np.tri(T, k=1, dtype=bool)"),
        "scores not scaled back": ("weights) / head_dim ** 0.5", "weights)"),
        "softmax as if alone": ("- (d_probs * probs)", "- 0 * (d_probs * probs)"),
        "norm without its second way": ("* d_out - scale ** 3", "* d_out - 0"),
        "rows not added up": (
            'np.add.at(grads["wte"], tokens, d_embedding)',
            'grads["wte"][tokens] += d_embedding',
        ),
        "residual not passed on": ("d_x = d_x + rmsnorm_back(d_h,", "d_x = rmsnorm_back(d_h,"),
        "ReLU lets all pass": (" * (before > 0)", ""),
        "keys and queries swapped": ("d_q, d_k = d_scores", "d_k, d_q = d_scores"),
        "values left out": ("linear_back(join(d_v), h,", "0 * linear_back(join(d_v), h,"),
    },
    7: {
        "padding counts": ("< lengths[:, None]", "< T + 0 * lengths[:, None]"),
        "mask one too long": ("np.arange(T) < lengths", "np.arange(T) <= lengths"),
        "positions not added up": (".sum(axis=0)", "[0]"),
        "documents swapped": ("head_dim).swapaxes(1, 2)", "head_dim).swapaxes(1, 2)[::-1]"),
        "padding has a gradient": ("d_logits = np.zeros_like", "d_logits = 1e-3 * np.ones_like"),
    },
    8: {
        "grads not added up": ("child.grad += add", "child.grad = add"),
        "grads not reset": ("        param.grad = 0.0\n", ""),
        "picked twice, counted once": ("np.add.at(grad, index, g)", "grad[index] = g"),
        "uses not added up": ("+= add_uses(", "+= np.resize("),
        "mean as a sum": (" * (1 / self.shape[axis])", ""),
    },
}


@pytest.mark.parametrize(
    ("n", "mistake"), [(n, name) for n, several in MISTAKES.items() for name in several]
)
def test_seeded_mistakes_are_noticed(n, mistake):
    _, lines = run_rung(n, 8, edits=[*IN_FULL, MISTAKES[n][mistake]])
    found, wanted = np.array(losses(lines), float), _run(n, 16, 8)[1]
    assert not np.abs(found - wanted).max() < 1e-6


# Every operation of the Value of rung 8, each with arrays that are used over and over.
OPERATIONS = {
    "a + b, one row": (lambda a, b: a + b[0], (3, 4), (3, 4)),
    "a * b, one column": (lambda a, b: a * b, (3, 4), (3, 1)),
    "b * a, one number": (lambda a, b: b * a, (2, 3), ()),
    "a - 2": (lambda a, b: a - 2, (3,), ()),
    "a / b": (lambda a, b: a / (b * b + 1), (2, 3, 4), (3, 1)),
    "a ** 3": (lambda a, b: a**3, (3,), ()),
    "log and exp": (lambda a, b: (a.exp() + 1).log(), (3, 2), ()),
    "relu": (lambda a, b: a.relu(), (9,), ()),
    "a @ b": (lambda a, b: a @ b, (3, 4), (4, 2)),
    "a @ b, one matrix for all": (lambda a, b: a @ b, (5, 3, 4), (4, 2)),
    "a @ b, in turn": (lambda a, b: a @ b.transpose(-1, -2), (5, 3, 4), (5, 2, 4)),
    "sum": (lambda a, b: a.sum(1), (2, 3, 4), ()),
    "mean": (lambda a, b: a * a.mean(-1, keepdim=True), (2, 3), ()),
    "reshape": (lambda a, b: a.reshape(6, 2) @ b, (3, 4), (2, 1)),
    "some rows, one of them twice": (lambda a, b: a[np.array([0, 2, 0])] * b, (3, 2), (3, 2)),
    "one number of each row": (lambda a, b: a[np.arange(3), np.array([1, 1, 0])], (3, 2), ()),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_gradients_of_the_tensor_value_against_nudging(operation):
    function, *shapes = OPERATIONS[operation]
    value = _run(8, 1, 0)[0]["Value"]
    stream = np.random.default_rng(3)
    arrays = [stream.normal(size=shape) for shape in shapes]
    weight = stream.normal(size=function(*map(value, arrays)).shape)

    def total(*arrays):
        return float((function(*map(value, arrays)).data * weight).sum())

    inputs = [value(array) for array in arrays]
    (function(*inputs) * weight).backward()
    for which, array in enumerate(arrays):
        grad = np.broadcast_to(inputs[which].grad, array.shape)
        for at in np.ndindex(array.shape):
            nudged = [[part.copy() for part in arrays] for _ in range(2)]
            nudged[0][which][at] += 1e-6
            nudged[1][which][at] -= 1e-6
            slope = (total(*nudged[0]) - total(*nudged[1])) / 2e-6
            assert grad[at] == pytest.approx(slope, abs=1e-7)


# ---- what they need


@pytest.mark.parametrize("n", ARRAYS)
def test_without_its_library_a_rung_says_in_one_line_how_to_get_it(n, tmp_path):
    library = LIBRARY[n]
    (tmp_path / f"{library}.py").write_text("raise ImportError\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(rung_path(n))],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == (
        f"train{n}.py needs {NAME[library]}. Install it: python -m pip install {library}\n"
    )


# ---- what was measured


def _times():
    """How many times as fast as another a rung is: by rung, batch size, n_embd, the other."""
    found = json.loads((ROOT / "bench/results/ladder.json").read_text(encoding="utf-8"))
    return {
        (row["rung"], row["batch_size"], row["n_embd"], int(other)): times
        for row in found["training"]
        for other, times in row["times"].items()
    }


def _two_digits(number):
    return f"{float(f'{number:.2g}'):,.0f}" if number >= 10 else f"{number:.1f}"


def test_headers_quote_what_was_measured():
    times = _times()
    quoted = {
        6: [f"{_two_digits(times[6, 1, 16, 5])} times as fast as train5.py"],
        7: [
            f"{_two_digits(times[7, 16, 16, 5])} times as fast as train5.py",
            f"{_two_digits(times[7, 16, 16, 6])} times as fast as train6.py",
        ],
        8: [
            f"{_two_digits(times[8, 16, 16, 5])} times as fast as train5.py",
            f"{_two_digits(1 / times[8, 16, 16, 7])} times as long as train7.py",
        ],
        9: [
            f"{_two_digits(times[9, 16, 16, 5])} times as fast as train5.py",
            f"{_two_digits(1 / times[9, 16, 16, 7])} times as long as train7.py",
            f"n_embd 256 and 2 layers it is {_two_digits(times[9, 16, 256, 7])} times as fast as "
            f"train7.py and {_two_digits(times[9, 16, 256, 8])} times as fast as train8.py",
        ],
    }
    for n, phrases in quoted.items():
        text = " ".join(ast.get_docstring(ast.parse(rung_source(n))).split())
        for phrase in phrases:
            assert phrase in text
        assert len(re.findall(r"[\d.,]+ times", text)) == len(
            re.findall(r"times", " ".join(phrases))
        )


def test_the_readme_says_what_was_measured():
    times = _times()
    text = (ROOT / "ladder" / "README.md").read_text(encoding="utf-8")
    for n in ARRAYS:
        batch_size = 1 if n == 6 else 16
        (row,) = re.findall(rf"^\| \[train{n}\.py\]\(train{n}\.py\) \| (.*) \|$", text, re.M)
        assert row.split(" | ")[1:5] == [
            NAME[LIBRARY[n]],
            f"{batch_size}",
            _two_digits(times[n, batch_size, 16, 5]),
            EXPECTED[min(n, 7)][2],
        ]
    text = " ".join(text.split())
    for phrase in (
        f"train8 takes {_two_digits(1 / times[8, 16, 16, 7])} times as long as train7",
        f"train9 takes {_two_digits(1 / times[9, 16, 16, 7])} times as long",
        f"train9 is {_two_digits(times[9, 16, 256, 7])} times as fast as train7 "
        f"and {_two_digits(times[9, 16, 256, 8])} times as fast as train8",
        f"in {_length_of_value()} lines",
    ):
        assert phrase in text


def _length_of_value():
    (value,) = [node for node in ast.parse(rung_source(8)).body if isinstance(node, ast.ClassDef)]
    return value.end_lineno - value.lineno + 1

"""The ladder's first six rungs, which need Python alone; test_ladder_arrays.py has the others.

The headers quote measured figures; the slow tests measure them again. How a rung is run inside a
test, and how its held-out loss is computed apart from it: see ladder_runner.py.
"""

import ast
import difflib
import functools
import itertools
import json
import math
import re
import subprocess
import sys

import pytest

from ladder_runner import held_out, losses, run_rung, rung_path, rung_source, samples
from published import LOSSES, SAMPLES

RUNGS = range(6)
# Rung 5 once more with other settings: a whole program too, but no rung of its own.
PROGRAMS = [*RUNGS, "5_early"]
ROOT = rung_path(0).parents[1]
NAMES = ROOT / "data" / "names.txt"
FIRST_13 = [f"{loss:.4f}" for loss in LOSSES]
# Loss in nats per token after the whole run, on all the names that it never reached.
HELD_OUT = {0: "2.505", 1: "2.536", 2: "2.536", 3: "2.393", 4: "2.393", 5: "2.367"}
HELD_OUT["5_early"] = "2.4526"  # over its 8 positions
# The same on the first 5,000 of these names: what the reference model's table gives for rungs 1-4.
HELD_OUT_5000 = {1: "2.538", 2: "2.538", 3: "2.3967", 4: "2.3966"}
# The last printed loss, of the thousandth name alone.
LAST = {0: "2.7177", 1: "2.6873", 2: "2.6873", 3: "2.6453", 4: "2.6438", 5: "2.6497"}
LAST["5_early"] = "2.0859"


# ---- what the programs look like


@pytest.mark.parametrize("n", PROGRAMS)
def test_rung_imports_little_of_the_standard_library(n):
    nodes = list(ast.walk(ast.parse(rung_source(n))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    assert not [node for node in nodes if isinstance(node, ast.ImportFrom)]
    assert set(names) <= {"gc", "math", "os", "random", "sys"}


@pytest.mark.parametrize("n", PROGRAMS)
def test_rung_never_uses_the_compensated_sum(n):
    names = [node.id for node in ast.walk(ast.parse(rung_source(n))) if isinstance(node, ast.Name)]
    assert "sum" not in names and "fsum" not in names


@pytest.mark.parametrize("n", PROGRAMS)
def test_header_places_the_rung_and_says_what_to_expect(n):
    header = ast.get_docstring(ast.parse(rung_source(n)))
    if n == "5_early":
        assert header.startswith("Rung 5 with other settings: ")
    else:
        assert header.startswith(f"Rung {n} of 9: ")
    if n:
        before = 5 if n == "5_early" else n - 1
        assert f"Same as       train{before}.py: " in header
        assert "\nDifferent     " in header
    assert "Same as" in header and "Run it" in header
    assert f"{HELD_OUT[n]} nats per token" in header
    assert HELD_OUT_5000.get(n, "") in header
    assert LAST[n] in header


@pytest.mark.parametrize("n", PROGRAMS)
def test_lines_are_short(n):
    assert max(map(len, rung_source(n).splitlines())) <= 100


def test_train5_has_at_most_200_lines():
    assert len(rung_source(5).splitlines()) <= 200


def test_train5_has_one_set_of_settings():
    body = ast.unparse(ast.parse(rung_source(5)).body[1:])
    assert body.count("early") == 2  # in the one line that says where the others are
    assert "\n    problem = 'the preset early is train5_early.py' if '--preset' in path" in body


def test_train5_early_changes_nothing_but_settings():
    before, after = ([*_code(n).splitlines()] for n in (5, "5_early"))
    lines = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert sum(line[0] == "+" for line in lines) == sum(line[0] == "-" for line in lines) == 9
    settings = re.compile("problem|block_size =|std=|attn_wo|mlp_fc2|relu|num_steps =|eps =|lr_t =")
    assert all(map(settings.search, lines))


def _code(n):
    """The program without its header and its comments."""
    return ast.unparse(ast.parse(rung_source(n)).body[1:])


# The only functions and classes that differ between a rung and the next one that has them too.
DIFFERENT = {
    (0, 1): {"loss_of"},
    (1, 2): {"matrix", "softmax", "mlp", "loss_of"},
    (2, 3): {"loss_of"},
    (3, 4): {"gpt", "loss_of"},
    (4, 5): set(),
    (5, "5_early"): {"matrix", "gpt"},
}


@pytest.mark.parametrize("pair", DIFFERENT)
def test_what_stays_the_same_is_the_same_text(pair):
    before, after = map(_definitions, pair)
    assert {name for name in before if name in after and before[name] != after[name]} == (
        DIFFERENT[pair]
    )


def _definitions(n):
    source = rung_source(n)
    kinds = (ast.FunctionDef, ast.ClassDef)
    nodes = [node for node in ast.parse(source).body if isinstance(node, kinds)]
    return {node.name: ast.get_source_segment(source, node) for node in nodes}


# ---- what they read


@pytest.mark.parametrize("n", PROGRAMS)
def test_file_argument_before_input_txt_before_bundled_names(n, tmp_path):
    assert _first_line(n, tmp_path) == "num docs: 32033"
    (tmp_path / "input.txt").write_text("ada\n\n  bo  \nrené\n", encoding="utf-8")
    assert _first_line(n, tmp_path) == "num docs: 3"
    (tmp_path / "mine.txt").write_text("ada\nbo\n", encoding="utf-8")
    assert _first_line(n, tmp_path, "mine.txt") == "num docs: 2"


@pytest.mark.parametrize("words", ["--preset early", "mine.txt --preset early", "--preset=early"])
def test_train5_says_where_the_preset_went(words, tmp_path):
    (tmp_path / "mine.txt").write_text("ada\nbo\n", encoding="utf-8")
    done = _refused(5, tmp_path, *words.split())
    assert done.stderr.startswith(f"No documents in {words}: the preset early is train5_early.py.")


@pytest.mark.parametrize("n", PROGRAMS)
def test_a_second_argument_is_not_passed_over(n, tmp_path):
    (tmp_path / "mine.txt").write_text("ada\nbo\n", encoding="utf-8")
    assert "No documents in mine.txt more: " in _refused(n, tmp_path, "mine.txt", "more").stderr
    (tmp_path / "mine.txt").rename(tmp_path / "my list.txt")
    assert _first_line(n, tmp_path, "my", "list.txt") == "num docs: 2"


def _refused(n, folder, *args):
    command = [sys.executable, str(rung_path(n)), *args]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    return done


def _first_line(n, folder, *args):
    command = [sys.executable, "-u", str(rung_path(n)), *args]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        line = process.stdout.readline()
        process.kill()
    return line.decode().strip()


@pytest.mark.parametrize("n", PROGRAMS)
@pytest.mark.parametrize("content", [None, b"", b" \n\n", b"caf\xe9\n"])
def test_no_documents_is_one_friendly_line_and_exit_code_2(n, content, tmp_path):
    if content is not None:
        (tmp_path / "mine.txt").write_bytes(content)
    done = _refused(n, tmp_path, "mine.txt")
    assert "mine.txt" in done.stderr and "Give a text file" in done.stderr


# ---- what they compute


def test_ava_after_a_hundred_names():
    namespace, lines = run_rung(0, 100)
    assert len(losses(lines)) == 100
    tokens = [26, 0, 21, 0, 26]
    probs = [namespace["bigram"](a)[b] for a, b in itertools.pairwise(tokens)]
    assert [f"{p:.3f}" for p in probs] == ["0.134", "0.041", "0.118", "0.148"]
    assert [f"{-math.log(p):.2f}" for p in probs] == ["2.01", "3.19", "2.14", "1.91"]
    assert f"{namespace['loss_of'](tokens):.2f}" == "2.31"


def test_gradient_check():
    namespace, lines = run_rung(1, 0)
    (line,) = [line for line in lines if line.startswith("gradient check")]
    assert float(line.split()[-1]) < 1e-6
    tokens, params = namespace["tokens"], namespace["params"]
    grads = namespace["analytic_gradient"](tokens)
    assert len(grads) == len(params) == 3184
    for (row, j), grad in list(zip(params, grads, strict=True))[::23]:
        assert abs(namespace["numerical_gradient"](tokens, row, j) - grad) < 1e-6


def test_autograd_prints_the_losses_of_the_hand_written_gradient():
    _, by_hand = run_rung(1, 10)
    _, by_itself = run_rung(2, 10)
    assert losses(by_hand) == losses(by_itself)
    assert len(losses(by_hand)) == 10


def test_head_of_the_log():
    for n, count in zip(RUNGS, [729, 3184, 3184, 4192, 4192, 4192], strict=True):
        _, lines = run_rung(n, 1)
        lines = [line for line in lines if not line.startswith("gradient check")]
        assert lines[:3] == ["num docs: 32033", "vocab size: 27", f"num params: {count}"]
        assert lines[3].startswith("step    1 / 1000 | loss 3.")
    _, lines = run_rung("5_early", 1)
    assert lines[2] == "num params: 4064"
    assert lines[3].startswith("step    1 /  500 | loss 3.")


def test_first_documents():
    namespace, _ = run_rung(0, 0)
    assert " ".join(namespace["docs"][:6]) == "yuheng diondre xavien jori juanluis erandi"


def test_first_losses_of_train5():
    _, lines = run_rung(5, 6)
    assert losses(lines) == FIRST_13[:6]
    assert lines[3] == "step    1 / 1000 | loss 3.3660"


def test_first_losses_of_train5_early():
    _, lines = run_rung("5_early", 6)
    assert losses(lines) == _recorded("early")[:6]
    assert lines[3] == "step    1 /  500 | loss 3.3630"


def _recorded(preset):
    """The losses of a preset's whole run as they would be printed, from the shared vectors."""
    vectors = json.loads((ROOT / "conformance/vectors/losses.json").read_text(encoding="utf-8"))
    (case,) = [case for case in vectors["cases"] if case["name"] == preset]
    return [f"{loss:.4f}" for loss in case["losses"]]


# Mistakes that a careless rewrite could make: the published losses have to notice each, at the
# latest after as many steps as are given here.
MISTAKES = {
    "scores not scaled": (1, " / head_dim ** 0.5", ""),
    "own position hidden": (1, "for k in keys[i]]", "for k in (keys[i][:-1] or keys[i])]"),
    "no bias correction of m": (2, "m[p] / (1 - beta1 ** (step + 1))", "m[p]"),
    "no bias correction of v": (2, "v[p] / (1 - beta2 ** (step + 1))", "v[p]"),
    "eps under the root": (2, "(v_hat ** 0.5 + eps)", "(v_hat + eps) ** 0.5"),
    "bias correction one step late": (2, "(1 - beta1 ** (step + 1))", "(1 - beta1 ** (step + 2))"),
    "no final residual": (1, '.mlp_fc2"]), x)]', '.mlp_fc2"]), [0.0] * n_embd)]'),
    "norm without its mean": (1, " / len(x)", ""),
    "grads not reset": (3, "        param.grad = 0.0\n", ""),
    "grads not added up": (2, "child.grad += local_grad", "child.grad = local_grad"),
    "loss not averaged": (1, "add_up(losses) / n\n", "add_up(losses)\n"),
    "no decay": (4, "learning_rate * (1 - step / num_steps)", "learning_rate"),
}  # fmt: skip
# The same for the other settings. A cosine is flat at first, so its length shows late.
MISTAKES_EARLY = {
    "ReLU not squared": (2, "hi.relu() ** 2", "hi.relu()"),
    "positions as in train5": (1, "16, 4, 1, 8\n", "16, 4, 1, 16\n"),
    "deviation as in train5": (1, "std=0.02", "std=0.08"),
    "attn_wo not zero": (1, "(n_embd, n_embd, 0.0)", "(n_embd, n_embd)"),
    "mlp_fc2 not zero": (3, "4 * n_embd, 0.0)", "4 * n_embd)"),
    "beta1 as in train5": (4, "0.9, 0.95", "0.85, 0.95"),
    "beta2 as in train5": (3, "0.9, 0.95", "0.9, 0.99"),
    "steps as in train5": (11, "num_steps = 0.01, 500", "num_steps = 0.01, 1000"),
    "a straight line": (4, "0.5 * (1 + math.cos(math.pi * step / num_steps))", "(1 - step / 500)"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_seeded_mistakes_are_noticed(mistake):
    steps, old, new = MISTAKES[mistake]
    _, lines = run_rung(5, steps, edits=[(old, new)])
    assert losses(lines) != FIRST_13[:steps]


@pytest.mark.parametrize("mistake", MISTAKES_EARLY)
def test_seeded_mistakes_are_noticed_in_train5_early(mistake):
    steps, old, new = MISTAKES_EARLY[mistake]
    _, lines = run_rung("5_early", steps, edits=[(old, new)])
    assert losses(lines) != _recorded("early")[:steps]


# ---- whole runs


@functools.cache
def _whole_run(n, *argv):
    namespace, lines = run_rung(n, None, argv)
    assert len(samples(lines)) == 20
    return namespace, lines


def _check_held_out(n, namespace):
    assert f"{held_out(namespace):.3f}" == HELD_OUT[n]
    if n in HELD_OUT_5000:
        fewer = {**namespace, "docs": namespace["docs"][: namespace["num_steps"] + 5000]}
        assert f"{held_out(fewer):.{len(HELD_OUT_5000[n]) - 2}f}" == HELD_OUT_5000[n]


@pytest.mark.slow
@pytest.mark.parametrize("n", [0, 1])
def test_whole_run_of_the_quick_rungs(n):
    namespace, lines = _whole_run(n)
    _check_held_out(n, namespace)
    assert losses(lines)[-1] == LAST[n]
    assert len(losses(lines)) == 1000


@pytest.mark.slow
def test_held_out_agrees_with_the_rungs_own_loss():
    # The same figure once more over some unused names, by the function the rung trains with.
    for n, steps, last in ((0, 200, 1050), (1, 50, 1050), (3, 4, 1004), (5, 4, 1004)):
        namespace, _ = run_rung(n, steps)
        docs, index, bos = namespace["docs"], namespace["chars"].index, namespace["BOS"]
        total, count = 0.0, 0
        for doc in docs[1000:last]:
            tokens = [bos, *map(index, doc), bos]
            loss = namespace["loss_of"](tokens)
            total += getattr(loss, "data", loss) * (len(tokens) - 1)
            count += len(tokens) - 1
        few = {**namespace, "docs": docs[:last]}
        assert held_out(few) == pytest.approx(total / count, abs=1e-12)


@pytest.mark.slow
def test_autograd_follows_the_hand_written_gradient_for_50_steps():
    _, lines = run_rung(2, 50)
    assert losses(lines) == losses(_whole_run(1)[1])[:50]


@pytest.mark.prove
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_whole_run_of_the_slow_rungs(n):
    namespace, lines = _whole_run(n)
    assert losses(lines)[-1] == LAST[n]
    _check_held_out(n, namespace)
    if n == 2:
        assert lines[3:] == _whole_run(1)[1][4:]
    if n == 5:
        assert losses(lines)[:13] == FIRST_13
        assert samples(lines) == SAMPLES
        last_100 = [float(loss) for loss in losses(lines)[-100:]]
        assert f"{math.fsum(last_100) / 100:.3f}" == "2.276"


@pytest.mark.prove
def test_whole_run_of_the_early_preset():
    namespace, lines = _whole_run("5_early")
    assert len(losses(lines)) == 500
    assert losses(lines) == _recorded("early")
    assert losses(lines)[-1] == LAST["5_early"]
    assert held_out(namespace) == pytest.approx(2.4525, abs=1e-4)  # measured 2.45255

"""Run a rung of the ladder inside a test, and judge what it learned.

`run_rung(n, stop_after, argv=(), edits=())` executes `ladder/train{n}.py` in this process and
returns `(namespace, lines)`: the variables that the program leaves behind, and what it printed.
`n` is 0 to 9, or "5_early" for rung 5 with its other settings.

* `stop_after=None` runs the whole program, samples included.
* `stop_after=K` runs K steps of the unchanged schedule and drops everything after the training
  loop. The namespace then holds the state after K steps: `state_dict` (matrices as lists of rows,
  of Value from rung 2 on; from rung 6 on as one array, Value or tensor each), `params`, from train5
  on also Adam's `m` and `v` in the order of `params` (flat in train5; not in train9), `loss` of the
  last step, `docs` in shuffled order, `chars`, `BOS`.
* `argv` are the command-line arguments. The rung runs in an empty directory, so give absolute
  paths, and an `input.txt` that lies about is not picked up.
* `edits` are pairs (old, new) applied to the source first; each old text must occur exactly once.
  `ALONE` are those with which rungs 7 to 9 take one document a step, `IN_FULL` those with which a
  rung prints all digits of its losses.

`losses(lines)` and `samples(lines)` read the printed log. `held_out(namespace)` is the mean
-log p in nats per token over the rows the run never reached, by NumPy and not by the rung's code.
`numbers(matrix)` makes one array of a matrix in `state_dict`, whatever the rung keeps it in.
"""

import ast
import contextlib
import gc
import io
import random
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

LADDER = Path(__file__).resolve().parents[1] / "ladder"
_BATCH = "batch_size, learning_rate, num_steps ="
ALONE = [(f"{_BATCH} 16,", f"{_BATCH} 1,")]
IN_FULL = [(':.4f}", flush', ':.17g}", flush')]


def rung_path(n):
    return LADDER / f"train{n}.py"


def rung_source(n):
    return rung_path(n).read_text(encoding="utf-8")


def _program(n, stop_after, edits):
    source = rung_source(n)
    for old, new in edits:
        assert source.count(old) == 1, f"train{n}.py holds {old!r} {source.count(old)} times"
        source = source.replace(old, new)
    tree = ast.parse(source)
    if stop_after is not None:
        (at,) = [
            i
            for i, node in enumerate(tree.body)
            if isinstance(node, ast.For) and ast.unparse(node.target) == "step"
        ]
        loop = tree.body[at]
        assert ast.unparse(loop.iter) == "range(num_steps)"
        loop.iter.args[0] = ast.copy_location(ast.Constant(stop_after), loop.iter.args[0])
        del tree.body[at + 1 :]
    return compile(tree, str(rung_path(n)), "exec")


def run_rung(n, stop_after, argv=(), edits=()):
    code = _program(n, stop_after, edits)
    namespace = {"__name__": "__main__", "__file__": str(rung_path(n))}
    out = io.StringIO()
    argv_before, stream_before, gc_before = sys.argv, random.getstate(), gc.isenabled()
    torch_before = _torch_settings()
    # Value graphs have no cycles, and the cyclic collector would take two thirds of the time.
    gc.disable()
    try:
        sys.argv = [str(rung_path(n)), *map(str, argv)]
        with (
            tempfile.TemporaryDirectory() as empty,
            contextlib.chdir(empty),
            contextlib.redirect_stdout(out),
        ):
            exec(code, namespace)
    finally:
        sys.argv = argv_before
        random.setstate(stream_before)
        _torch_settings(*torch_before)
        if gc_before:
            gc.enable()
    return namespace, out.getvalue().splitlines()


def _torch_settings(dtype=None, threads=None):
    """What rung 9 sets for the whole process, as it is now or as it is to be again."""
    torch = sys.modules.get("torch")
    if dtype is not None:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
    return (torch.get_default_dtype(), torch.get_num_threads()) if torch else ()


def losses(lines):
    """The losses as printed, strings with four decimals (or with all, see ``IN_FULL``)."""
    step = re.compile(r"step +\d+ / +\d+ \| loss ")
    return [line.rpartition(" ")[2] for line in lines if step.match(line)]


def samples(lines):
    return [line.partition(": ")[2] for line in lines if re.match(r"sample +\d+: ", line)]


def held_out(namespace):
    docs, chars = namespace["docs"], namespace["chars"]
    bos, block_size = namespace["BOS"], namespace["block_size"]
    rows = docs[namespace["num_steps"] * namespace.get("batch_size", 1) :]
    assert rows, "every document was trained on"
    log_probs = _log_probs(namespace)
    index = {char: i for i, char in enumerate(chars)}
    total, count = 0.0, 0
    for first in range(0, len(rows), 2000):
        texts = [[bos, *(index[c] for c in doc), bos] for doc in rows[first : first + 2000]]
        n = np.array([min(block_size, len(text) - 1) for text in texts])
        padded = np.full((len(texts), n.max() + 1), bos)
        for i, text in enumerate(texts):
            padded[i, : n[i] + 1] = text[: n[i] + 1]
        real = np.arange(n.max()) < n[:, None]
        picked = np.take_along_axis(log_probs(padded[:, :-1]), padded[:, 1:, None], axis=2)[:, :, 0]
        total -= picked[real].sum()
        count += real.sum()
    return total / count


def _log_probs(namespace):
    """A function from tokens [B, T] to log-probabilities of the next token [B, T, V]."""
    if "counts" in namespace:
        counts = np.array(namespace["counts"]) + 1.0
        table = np.log(counts / counts.sum(axis=1, keepdims=True))
        return lambda tokens: table[tokens]
    assert namespace.get("n_layer", 1) == 1
    w = {
        name.removeprefix("layer0."): numbers(matrix)
        for name, matrix in namespace["state_dict"].items()
    }
    if "fc1" in w:
        table = _log_softmax(np.maximum(w["wte"] @ w["fc1"].T, 0) @ w["fc2"].T)
        return lambda tokens: table[tokens]
    early = namespace["__file__"] == str(rung_path("5_early"))
    heads, power = namespace.get("n_head", 1), 2 if early else 1
    return lambda tokens: _gpt(w, tokens, heads, power)


def numbers(matrix):
    """Those of a list of rows of numbers or Values, of an array, or of one Value or tensor."""
    if isinstance(matrix, list):
        return np.array([[getattr(param, "data", param) for param in row] for row in matrix])
    return np.array(matrix.data.tolist())


def _gpt(w, tokens, heads, power):
    batch, length = tokens.shape

    def split(a):
        return a.reshape(batch, length, heads, -1).transpose(0, 2, 1, 3)

    x = _norm(w["wte"][tokens] + w["wpe"][:length])
    h = _norm(x)
    q, k, v = (split(h @ w[f"attn_w{name}"].T) for name in "qkv")
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    scores = np.where(np.tri(length, dtype=bool), scores, -np.inf)
    mixed = (np.exp(_log_softmax(scores)) @ v).transpose(0, 2, 1, 3).reshape(x.shape)
    x = x + mixed @ w["attn_wo"].T
    hidden = np.maximum(_norm(x) @ w["mlp_fc1"].T, 0) ** power
    x = x + hidden @ w["mlp_fc2"].T
    return _log_softmax(x @ w["lm_head"].T)


def _norm(x):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def _log_softmax(x):
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))

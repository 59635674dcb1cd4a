"""Small runs on disk for the tests of checkpoints, and system calls that fail on demand."""

import os
import random
import shutil
from pathlib import Path

import numpy as np

from microgpt.arrays import Optim
from microgpt.config import Config
from microgpt.disk.checkpoint import RunDir
from microgpt.model import init_weights

CONFIG = Config(n_embd=4, n_head=2, block_size=3, vocab_size=4)
VOCAB = {"type": "character", "uchars": ["a", "b", "c"]}
RUN = {"config": CONFIG.to_dict(), "data": {"name": "names.txt"}}


def weights(seed, dtype=np.float64):
    drawn = init_weights(CONFIG, random.Random(seed))
    return {name: np.array(matrix, dtype=dtype) for name, matrix in drawn.items()}


def optim(seed, step=0, dtype=np.float64):
    v = {name: array**2 for name, array in weights(seed + 2, dtype).items()}
    return Optim(weights(seed + 1, dtype), v, step)


def state(seed):
    return {"stream": list(random.Random(seed).getstate()[1]), "row": seed, "gauss": None}


def save(run, step):
    return run.save(step, weights(step), optim(step, step), state(step))


def new_run(tmp_path, *steps, name="run"):
    run = RunDir.create(tmp_path / name, RUN, VOCAB)
    for step in steps:
        save(run, step)
    return run


def without_copies(run):
    """The run as an older microgpt would have left it: no copies of what never changes."""
    for name in ("run.json", "vocab.json", "tokenizer.json"):
        for path in run.path.glob(f"step-*/{name}"):
            path.unlink()
    return run


def same(a, b):
    assert list(a) == list(b)
    return all(a[n].dtype == b[n].dtype and a[n].tobytes() == b[n].tobytes() for n in b)


def check(found, step):
    """The snapshot must be all of what ``save(run, step)`` wrote."""
    assert found.step == found.state["step"] == step
    assert same(found.weights, weights(step))
    expected = optim(step, step)
    assert same(found.optim.m, expected.m)
    assert same(found.optim.v, expected.v)
    assert found.optim.step == step
    assert {k: found.state[k] for k in state(step)} == state(step)


def names(path, pattern="*"):
    return sorted(p.name for p in path.glob(pattern))


def copy(run, tmp_path, name):
    return Path(shutil.copytree(run.path, tmp_path / name))


def flips(path, stride=97):
    data = path.read_bytes()
    places = {*range(0, len(data), stride), *range(max(0, len(data) - 90), len(data), 7)}
    for i in sorted(places):
        yield i, data[:i] + bytes([data[i] ^ (1 << (i % 8))]) + data[i + 1 :]


CALLS = ("fsync", "rename", "replace", "write", "mkdir", "open", "unlink", "rmdir")
"""What a save asks of the operating system."""


def count_calls(monkeypatch, act, at=None, names=CALLS, then=None):
    """Run ``act`` and count its calls into ``os``; the call number ``at`` runs ``then`` instead."""
    done = 0

    def wrap(real):
        def call(*args, **kwargs):
            nonlocal done
            done += 1
            if done == at:
                then()
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(os, name, wrap(getattr(os, name)))
        act()
    return done


def fail(number):
    def raise_it():
        raise OSError(number, os.strerror(number))

    return raise_it

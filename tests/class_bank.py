"""What a class has in common, computed once for all processes that run the tests."""

import pickle
from pathlib import Path

import pytest

from microgpt.assignment.grading import grader
from microgpt.assignment.grading.grader import Options, Prepared, prepare
from shared import once

KEY = b"k" * 32


def prepared_class(factory: pytest.TempPathFactory, options: Options) -> Prepared:
    """The class of ``KEY``, which the options must name."""
    assert options.key == KEY

    def compute(folder: Path) -> None:
        prepare(Options(key=KEY))
        (folder / "kept").write_bytes(pickle.dumps(grader._kept))

    kept = once(factory, "bank", compute) / "kept"
    grader._kept.update(pickle.loads(kept.read_bytes()))
    return prepare(options)

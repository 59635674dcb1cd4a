"""What takes long to make is made once, for all the processes that the tests run in."""

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import environment


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` has filled; who comes later waits until it is whole.

    Nobody may change what is in it.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # each worker has a folder of its own in there
    folder = base / f"shared-{name}"
    with environment.alone(base / f"{name}.lock", f"another worker makes {name}"):
        if not folder.exists():
            part = base / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)  # of one that was killed
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder


def bank_of(key: bytes, factory: pytest.TempPathFactory) -> Path:
    """A file with what grading computes for this key, pickled: ``grader._kept`` takes it."""

    def compute(folder: Path) -> None:
        from microgpt.assignment.grading import grader

        grader.prepare(grader.Options(key=key))
        (folder / "kept").write_bytes(pickle.dumps(grader._kept))

    return once(factory, f"bank-{key.hex()[:8]}", compute) / "kept"

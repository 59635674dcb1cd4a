"""What a class has in common, computed once for all processes that run the tests."""

import pickle
import sys
from pathlib import Path

import pytest

from microgpt.assignment.grading import grader
from microgpt.assignment.grading.grader import Options, Prepared, prepare
from shared import bank_of

KEY = b"k" * 32


def prepared_class(factory: pytest.TempPathFactory, options: Options) -> Prepared:
    """The class of ``KEY``, which the options must name."""
    assert options.key == KEY
    grader._kept.update(pickle.loads(bank_of(KEY, factory).read_bytes()))
    return prepare(options)


@pytest.fixture(scope="session")
def class_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with ``KEY``, for commands in this process, which then have the class's cases."""
    prepared_class(tmp_path_factory, Options(key=KEY))
    path = tmp_path_factory.mktemp("key") / "key"
    path.write_text(KEY.hex())
    return path


@pytest.fixture(scope="session")
def warm_command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command in a process of its own that has them too, for ``process`` and ``started``."""
    program = Path(__file__).with_name("grading_process.py")
    return [sys.executable, str(program), str(bank_of(KEY, tmp_path_factory))]

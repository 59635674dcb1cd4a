"""What a class has in common, computed once for all processes that run the tests."""

import pickle

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

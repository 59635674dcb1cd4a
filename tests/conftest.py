"""What all tests share: one thread for linear algebra, and the handling of optional tools.

A test that needs something beyond the base install asks for it through a fixture:

    def test_x(require):
        torch = require("torch")

    def test_y(require_program):
        node = require_program("node")

Where it is missing the test is skipped; with MICROGPT_CI=1 it fails, so that nothing is left out
silently. Tests with the marker `torch` need not ask.
"""

import os

for _library in ("OPENBLAS", "OMP", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # read once, when NumPy is first imported

import importlib
import importlib.util
import shutil
from collections.abc import Callable
from types import ModuleType

import hypothesis
import pytest

# The same examples in every run; a slow machine is no failure.
hypothesis.settings.register_profile("microgpt", deadline=None, derandomize=True)
hypothesis.settings.load_profile("microgpt")


def _missing(what: str) -> None:
    if os.environ.get("MICROGPT_CI") == "1":
        pytest.fail(f"{what} is not installed, and MICROGPT_CI=1 asks for it", pytrace=False)
    pytest.skip(f"{what} is not installed")


def _require(module: str) -> ModuleType:
    if importlib.util.find_spec(module) is None:
        _missing(module)
    return importlib.import_module(module)


def _require_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        _missing(name)
    return str(path)


@pytest.fixture
def require() -> Callable[[str], ModuleType]:
    """Import an optional module, or skip the test."""
    return _require


@pytest.fixture
def require_program() -> Callable[[str], str]:
    """Find the path of an optional program, or skip the test."""
    return _require_program


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("torch") and importlib.util.find_spec("torch") is None:
        _missing("torch")

"""What all tests share: one thread for linear algebra, no setting that changes what programs print,
and the handling of optional tools.

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
for _setting in (
    "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "PYTHONIOENCODING", "PYTHONUNBUFFERED",
    "PYTHONUTF8", "PYTHONWARNINGS",
):  # fmt: skip
    os.environ.pop(_setting, None)  # programs would print something else, or at other times
os.environ["MICROGPT_CACHE"] = ""  # what a test computes is nobody's to keep

import importlib
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

import layers
from layers import (  # noqa: F401  hooks
    pytest_collection_modifyitems,
    pytest_terminal_summary,
    pytest_xdist_auto_num_workers,
)

if TYPE_CHECKING:
    from cli_runner import Result

ROOT = Path(__file__).resolve().parent.parent
for _folder in ("guide/build", "scripts"):  # programs that some tests import
    sys.path.insert(0, str(ROOT / _folder))

layers.with_default_signals()

# A failed assertion in what tests share shows its values, as one in a test does.
pytest.register_assert_rewrite(
    "browser", "checkpoint_runs", "cli_runner", "fault_cases", "guide_pages", "model_files",
    "training_runs", "widget_checks",
)  # fmt: skip

# The same examples in every run; a slow machine is no failure.
hypothesis.settings.register_profile(
    "microgpt",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
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


@pytest.fixture
def require_package() -> Callable[[str], Path]:
    """Find the folder of an optional package that `npm ci` fetches, or skip the test."""

    def found(name: str) -> Path:
        path = ROOT / "node_modules" / name
        if not path.exists():
            _missing(f"{name}, which `npm ci` fetches,")
        return path

    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("torch") and importlib.util.find_spec("torch") is None:
        _missing("torch")


# ---------------------------------------------------------------- places and runs


@pytest.fixture
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk proves nothing where no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


@pytest.fixture
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test runs in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own_list(empty_directory: Path) -> Path:
    """The test runs in a directory that holds own.txt, a short list of names, and nothing else."""
    import cli_runner

    return cli_runner.written("own.txt", cli_runner.DOCS)


@pytest.fixture
def finished(own_list: Path) -> Path:
    """A run that has trained on own.txt, with two saves, at steps 10 and 12."""
    import cli_runner

    cli_runner.ok("train", own_list, *cli_runner.SMALL, "--save-every", 5, "--out", "r")
    return Path("r")


@pytest.fixture(scope="session")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, Result]":
    """The run that ``microgpt train`` makes without flags, and what it printed as JSON."""
    import cli_runner

    path = tmp_path_factory.mktemp("reference") / "run"
    return path, cli_runner.ok("train", "--json", "--out", path)


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, Result]":
    """A short run without ``--json``, and what it printed."""
    import cli_runner

    path = tmp_path_factory.mktemp("plain") / "run"
    return path, cli_runner.ok("train", *cli_runner.DINO, "--out", path)


# ---------------------------------------------------------------- the guide in a browser


@pytest.fixture(scope="session")
def guide_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide, built once for all tests; who changes it works on a copy."""
    for module in ("zensical", "latex2mathml"):
        _require(module)
    import assemble
    import shared

    folder = shared.once(tmp_path_factory, "guide", lambda made: assemble.build(made / "site"))
    return folder / "site"


@pytest.fixture(scope="session")
def guide_address(guide_site: Path) -> Iterator[str]:
    """Where `microgpt guide` serves it."""
    import browser

    with browser.serving(guide_site) as address:
        yield address


@pytest.fixture(scope="session")
def kept_chromium() -> Iterator[Any]:
    """The browser of all tests, started by the first that asks for it."""
    import browser

    playwright = _require("playwright")
    importlib.import_module("playwright.sync_api")
    kept = browser.Kept(playwright, _require_program("chromium"))
    yield kept
    kept.close()


@pytest.fixture
def chromium(kept_chromium: Any) -> Iterator[Any]:
    """A browser, driven by Playwright; each test opens contexts of its own in it."""
    program = kept_chromium.running()
    yield program
    for context in program.contexts:
        context.close()


@pytest.fixture
def opened(guide_address: str, chromium: Any) -> Iterator[Any]:
    """Opens a lesson at a widget, once that runs: ``opened("loss", "mg-count-loss", hash)``.

    Nothing may go wrong in any page that was opened.
    """
    import browser

    with browser.pages(chromium) as opening:

        def opening_at(name: str, element: str, hash_: str = "", **options: Any) -> Any:
            page = opening(f"{guide_address}learn/{name}/{hash_}", **options)
            page.locator(element).first.scroll_into_view_if_needed()
            page.locator(f"{element}[data-ready]").first.wait_for()
            return page

        yield opening_at

"""``microgpt doctor``: what it says of an installation that works, and of broken ones."""

import os
import platform

import pytest

from cli_runner import microgpt, ok
from microgpt.cli import doctor
from microgpt.engines import ENGINES
from microgpt.engines.native import NativeEngine, build
from microgpt.engines.scalar import ScalarEngine

BOTH = ("float64", "float32")
NATIVE = build.problem(build.library_path()) is None
needs_native = pytest.mark.skipif(not NATIVE, reason="the kernel isn't compiled here")


@pytest.fixture(autouse=True)
def own_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROGPT_LEVEL", raising=False)


def test_it_says_what_is_there() -> None:
    (line,) = ok("doctor", "--json").lines
    found = line["doctor"]
    assert found["python"]["version"] == platform.python_version()
    assert list(found["engines"]) == list(ENGINES)
    assert found["engines"]["numpy"] == {"works": True, "dtypes": [*BOTH], "reason": None}
    assert found["engines"]["scalar"]["dtypes"] == ["float64"]
    assert found["packages"]["numpy"]
    assert found["threads"]["cores"] == os.cpu_count()
    assert found["auto"] == ("native" if NATIVE else "numpy")


def test_the_screen_says_the_same() -> None:
    text = ok("doctor").out
    (auto,) = [line for line in text.splitlines() if line.endswith("<- used by auto")]
    assert auto.split()[0] == ("native" if NATIVE else "numpy")
    for word in ("python", "platform", "packages", "kernel", "threads", *ENGINES):
        assert word in text


def test_the_right_loss_is_the_scalar_engines() -> None:
    engine = ScalarEngine()
    engine.load(doctor._SMALL, "float64", doctor._weights("float64"))
    assert engine.grads([doctor._DOCUMENT])[0] == pytest.approx(doctor._LOSS, abs=1e-6)


def test_an_engine_that_computes_wrongly_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LOSS", 1.5)
    result = microgpt("doctor")
    assert result.code == 5
    assert "computes a wrong loss: 3.61" in result.out
    assert "Neither native nor numpy works" in result.err
    *_, last = microgpt("doctor", "--json").lines
    assert last["error"]["code"] == 5


def test_a_missing_numpy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ImportError("No module named 'numpy'")

    monkeypatch.setattr(doctor, "_kernel", broken)
    monkeypatch.setattr(doctor, "_engines", lambda: ({}, None))
    assert microgpt("doctor").code == 5


@needs_native
def test_a_level_is_forced_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = ok("doctor", "--json").lines[0]["doctor"]["kernel"]
    assert kernel["forced"] is None and kernel["levels"][kernel["in_use"]]["problem"] is None
    assert all(level["built"] == ["float64", "float32"] for level in kernel["levels"].values())
    assert kernel["compiler"] and "-O3" in kernel["flags"]

    slowest = next(iter(kernel["levels"]))
    monkeypatch.setenv("MICROGPT_LEVEL", slowest)
    result = ok("doctor")
    assert f"forced    to {slowest} by the environment: MICROGPT_LEVEL" in result.out
    assert ok("doctor", "--json").lines[0]["doctor"]["kernel"]["in_use"] == slowest

    monkeypatch.setenv("MICROGPT_LEVEL", "mmx")
    result = ok("doctor")
    assert "doesn't work: native can't run at level mmx: the levels are" in result.out


@needs_native
def test_it_says_why_a_faster_level_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgpt.engines import native

    *slower, fastest = native.level_problems()
    problems = {**dict.fromkeys(slower), fastest: "this processor lacks it"}
    monkeypatch.setattr(native, "level_problems", lambda: problems)
    text = ok("doctor").out
    assert f"{fastest:<10}built for float64 and float32; can't be used: this processor" in text
    monkeypatch.setenv("MICROGPT_LEVEL", fastest)
    assert NativeEngine.supports(doctor._SMALL, "float64") == (
        f"can't run at level {fastest}: this processor lacks it"
    )

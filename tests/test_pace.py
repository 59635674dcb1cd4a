"""How fast a run goes: in the log, in the live view, and where an engine knows more of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from cli_runner import TINY, ok
from gadget import GadgetEngine, gadget  # noqa: F401  a fixture
from microgpt import pace
from microgpt.cli.screen import LiveScreen, pace_parts
from microgpt.config import Config
from microgpt.engines.base import Batches
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.flops import document_flop
from microgpt.pace import Pace

RUN = ["train", "own.txt", *TINY, "--steps", 4]


def batch(*lengths: int) -> Batches:
    return Batches.of([[[0] * (length + 1) for length in lengths]])


def test_the_rate_is_that_of_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RECENT", 1.0)
    following = Pace(Config())
    engine = NumpyEngine()
    assert following.take(batch(5, 3), 0.5, engine) == {"tokens_per_second": 16.0}
    assert following.take(batch(2), 0.5, engine) == {"tokens_per_second": 4.0}
    assert following.now == {"tokens_per_second": 10.0}
    following.take(batch(1), 0.5, engine)
    assert following.now == {"tokens_per_second": 3.0}  # the first piece is too old


def test_memory_and_utilisation_come_from_engines_that_know_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    class Device(GadgetEngine):
        def usage(self) -> dict[str, float]:
            asked.append(True)
            return {"memory": 2.5e9, "peak": 1e6}

    following = Pace(Config())
    monkeypatch.setattr(pace, "AFTER", 0.5)
    engine = Device()
    assert set(following.take(batch(5), 0.25, engine)) == {"tokens_per_second"}
    assert not asked  # the peak takes a while to measure, and a short run needs none
    said = following.take(batch(5, 5, 3), 0.5, engine)
    flop = 2 * document_flop(Config(), 5) + document_flop(Config(), 3)
    assert said == {
        "tokens_per_second": 26.0,
        "memory": 2_500_000_000,
        "mfu": round(flop / 0.5 / 1e6, 4),
    }


@pytest.mark.usefixtures("own_list", "gadget")
def test_the_log_has_the_times_and_the_lines_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "AFTER", 0.0)
    result = ok(*RUN, "--engine", "gadget", "--json", "--out", "r")
    steps = [line for line in result.lines if "loss" in line]
    assert [line["grad_norm"] for line in steps] == [0.5, 1.5, 2.5, 3.5]
    assert not any({*pace.TIMES} & {*line} for line in steps)
    lines = [json.loads(line) for line in Path("r/metrics.jsonl").read_text().splitlines()]
    for line in (line for line in lines if "loss" in line):
        assert {*pace.TIMES, "grad_norm"} <= {*line}
        assert line["memory"] == 3_000_000_000
        assert np.isfinite(line["mfu"])


@pytest.mark.usefixtures("own_list", "gadget")
def test_a_run_with_a_device_says_at_its_end_how_fast_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pace, "AFTER", 0.0)
    out = ok(*RUN, "--engine", "gadget").out
    assert "engine  gadget, float64, 1 thread, on cpu" in out
    (line,) = [line for line in out.splitlines() if line.startswith("trained at ")]
    assert " tokens/s · 3.00 GB · MFU " in line
    assert line.endswith(", on cpu")
    out = ok(*RUN, "--engine", "numpy").out
    assert "engine  numpy, float64, 1 thread\n" in out
    assert "trained at" not in out


@pytest.mark.usefixtures("own_list", "gadget")
def test_a_gradient_norm_that_is_no_number_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    norms = {"grad_norm": [float("nan"), float("inf"), 0.5, 1.0]}
    monkeypatch.setattr(GadgetEngine, "found", lambda self: norms)
    lines = [line for line in ok(*RUN, "--engine", "gadget", "--json").lines if "loss" in line]
    assert "grad_norm" not in lines[0]
    assert len(Path("runs/own-1/metrics.jsonl").read_text().splitlines()) >= 4


def test_the_live_view_has_a_line_for_it() -> None:
    following = Pace(Config())
    following.now = {"tokens_per_second": 123456.7, "memory": 1.234e9, "mfu": 0.4567}
    live = LiveScreen({"random": 3.3, "bigram": 2.5}, following)
    live.config, live.losses = Config(), [3.0, 2.9]
    assert live._took() == "123,457 tokens/s · 1.23 GB · MFU 45.7%"
    live.grad_norm = 0.12345
    assert live._took() == "123,457 tokens/s · gradient norm 0.123 · 1.23 GB · MFU 45.7%"
    following.now = {}
    assert live._took() == "gradient norm 0.123"
    live.grad_norm = None
    assert live._took() == ""
    assert pace_parts({}) == []


def test_the_end_tells_of_the_whole_leg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "RECENT", 0.1)
    following = Pace(Config())
    for length, seconds in ((5, 0.5), (3, 0.25), (2, 0.25)):
        following.take(batch(length), seconds, NumpyEngine())
    assert following.now == {"tokens_per_second": 8.0}
    assert following.whole() == {"tokens_per_second": 10.0}

"""What made a run, and how closely another machine can reproduce it.

What is promised is in ``notes/sameness.md`` with its measurements; here it is stated for one run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from microgpt.config import DTYPES, Config, make_config
from microgpt.engines import engine_class
from microgpt.engines.base import Engine
from microgpt.errors import MicrogptError
from microgpt.opening import Opened

_WORD = re.compile(r"[\w.+-]{1,40}")

_AGREES = (
    "Elsewhere the losses agree in their 4 printed decimals, and the 20 samples are the same: "
    "measured for this run at all levels, with NumPy and as WebAssembly."
)
_SEEDS = (*range(1, 21), 42)  # from which the default run was measured
_LIKELY = (
    "Elsewhere the losses most likely agree in their 4 printed decimals, and the 20 samples are "
    f"the same: so it was for this run from {len(_SEEDS)} other seeds."
)
_PARTS = (
    "Elsewhere the last digits differ and grow: in what was measured, printed losses part after "
    "200 to 5,400 steps or not at all, samples may be others, and held-out losses differ by 0.02 "
    "at most."
)
_PARTS_SOON = (
    "Elsewhere {} differs in the last digits from the first steps on, and the differences "
    "grow: where measured, samples may differ, and held-out losses differ by 0.02 at most."
)


def makers(opened: Opened) -> list[tuple[str, str]]:
    """(Name, value) of what made the run: engine, level, dtype, threads, version.

    Where its last leg was made by something else, that too. What a run of an earlier version
    doesn't state is left out; an empty list for a model file.
    """
    if opened.run is None:
        return []
    first, last = _maker(opened.run.run), _maker(opened.leg)
    rows = list(first.items())
    if _differ(first, last):
        rows.append(("last leg", ", ".join(_in_words(name, last[name]) for name in last)))
    return rows


def reproduces(opened: Opened) -> str | None:
    """What the command that repeats the run reproduces, on one line; None for a model file.

    The bytes where it is known what made them, and what was measured for everything else.
    """
    if opened.run is None:
        return None
    made, last = _maker(opened.run.run), _maker(opened.leg)
    if opened.run.run.get("imported"):
        made = last  # the import computes nothing
    engine, level, version = (made.get(name, "") for name in ("engine", "level", "microgpt"))
    dtype = opened.dtype
    if dtype == "float32" and made.get("dtype") in DTYPES[2:]:  # those that keep float32
        dtype = made["dtype"]
    said = []
    cls = _class_of(engine)
    if version and cls and (level or not cls.leveled):
        same = f"the same bytes from that version and engine {cls.repeats}"
        if level:
            same = (
                f"the same bytes from that version, engine and level (MICROGPT_LEVEL={level}) "
                f"{cls.repeats}"
            )
        by = f"microgpt {version}, {engine}{f' {level}' if level else ''}, {dtype}"
        said.append(f"Made by {by}: {same}.")
        if _differ({**made, "threads": ""}, {**last, "threads": ""}):
            said = [f"Begun by {by}, but its last leg by another: one run gives other bytes."]
        began, planned = opened.run.config, opened.config.steps
        if began.steps != planned and began.schedule != "constant":
            said = [
                f"This run began with {began.steps:,} steps planned, and so with another learning "
                f"rate: the command trains all {planned:,} as planned, and gives other bytes."
            ]
    said.append(_elsewhere(opened) if dtype == "float64" else _PARTS_SOON.format(dtype))
    return " ".join(said)


def _class_of(engine: str) -> type[Engine] | None:
    """The class of the engine that made a run, where this version has it."""
    try:
        return engine_class(engine)
    except MicrogptError:
        return None


def _elsewhere(opened: Opened) -> str:
    """How far others come to this run in float64, by ``bench/results/levels.md``."""
    assert opened.run is not None
    run, config, final = opened.run.run, opened.config, Config()
    data = run.get("data")
    if not isinstance(data, dict) or data.get("name") != "names" or data.get("path"):
        return _PARTS
    own = data.get("split_by", "line") == "line" and not run.get("imported")
    if not own or opened.run.config.steps != config.steps:
        return _PARTS
    if replace(config, seed=final.seed) == final:
        return _AGREES if config.seed in _SEEDS else _LIKELY
    others = make_config("early"), make_config(batch_size=64, steps=5000, holdout=0.1)
    return _AGREES if config in others else _PARTS


def _maker(said: Mapping[str, Any]) -> dict[str, str]:
    """The facts of run.json or state.json that are there and make sense, ready to be shown."""
    names = {"engine": "engine", "level": "level", "device": "device", "dtype": "dtype"}
    names["version"] = "microgpt"
    found = {
        shown: said[name]
        for name, shown in names.items()
        if isinstance(said.get(name), str) and _WORD.fullmatch(said[name])
    }
    threads = said.get("threads")
    if isinstance(threads, int) and not isinstance(threads, bool):
        found["threads"] = f"{threads:,}"
    return found


def _differ(first: Mapping[str, str], last: Mapping[str, str]) -> bool:
    """Whether the last leg was made by something else, as far as it says by what."""
    if any(first.get(name) != value for name, value in last.items()):
        return True
    return "microgpt" in last and "level" in first and "level" not in last


def _in_words(name: str, value: str) -> str:
    if name == "threads":
        return "1 thread" if value == "1" else f"{value} threads"
    return f"{name} {value}" if name == "microgpt" else value

"""``microgpt bench``: how fast each engine is, next to the scalar engine and the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from microgpt.benchmark import Benchmark, Plan
from microgpt.cli import note, show_json
from microgpt.cli.options import (
    DataArgument,
    HardwareArgument,
    ModelArgument,
    TokenizerArgument,
    given,
    hardware,
    reading,
    tokenizing,
)
from microgpt.config import DTYPES, make_config
from microgpt.data import BUNDLED, load_data
from microgpt.engines import ASKED, ENGINES
from microgpt.engines.hardware import Hardware
from microgpt.errors import InputError
from microgpt.heldout import MAX_THREADS
from microgpt.start import suited
from microgpt.vocabulary import Wanted

_MOST_ROUNDS = 1000
_USUAL = ",".join(name for name in ENGINES if name not in ASKED)


def bench(
    file: Annotated[Path | None, Parameter(help="Documents to work on. [names]")] = None,
    /,
    *,
    engines: Annotated[
        str, Parameter(help=f"Which of {', '.join(ENGINES)}, separated by commas.")
    ] = _USUAL,
    dtypes: Annotated[str, Parameter(help="Number types, separated by commas.")] = (
        "float32,float64"
    ),
    batch_sizes: Annotated[
        str, Parameter(help="Documents per step, separated by commas.")
    ] = "1,64",
    rounds: Annotated[int, Parameter(help="Rounds per engine; medians are shown.")] = 7,
    threads: Annotated[
        int,
        Parameter(
            help="For the engines that can use several; above 1, nothing is pinned to a core."
        ),
    ] = 1,
    sampling: Annotated[bool, Parameter(help="Measure sampling too.")] = True,
    data: Annotated[
        str | None, Parameter(help=f"Bundled data: {', '.join(BUNDLED)}. [names]")
    ] = None,
    markdown: Annotated[bool, Parameter(help="Print tables in Markdown.", negative="")] = False,
    json: Annotated[bool, Parameter(help="Print one JSON object.", negative="")] = False,
    how: DataArgument = None,
    words: TokenizerArgument = None,
    on: HardwareArgument = None,
    model: ModelArgument = None,
) -> None:
    """Time training and sampling with each engine, on one core, in turn.

    Ratios are relative to the scalar engine, and to the machine's own peak: the time that NumPy's
    float32 product of two 512 × 512 matrices would take for the model's multiplications and
    additions. Only the ratios say anything about other machines.
    """
    if json and markdown:
        raise InputError("--json and --markdown are both given.", "Choose one.")
    if file is not None and data is not None:
        raise InputError(f"Both a file, {file}, and --data {data} are given.", "Choose one.")
    if file is None and data is not None and data not in BUNDLED:
        raise InputError(f"--data is {data!r}, must be one of {', '.join(BUNDLED)}.")
    if not 1 <= rounds <= _MOST_ROUNDS:
        raise InputError(f"rounds is {rounds}, must be from 1 to {_MOST_ROUNDS}.")
    if not 1 <= threads <= MAX_THREADS:
        raise InputError(f"threads is {threads}, must be from 1 to {MAX_THREADS}.")
    wanted = Wanted(**tokenizing(words))
    dataset = load_data(file or data or "names", **reading(how))
    for notice in dataset.notes:
        note(notice)
    asked = given(model)
    config = make_config("final", **asked)
    tokenizer = wanted.of(config, dataset)
    plan = Plan(
        config if "long" in asked else suited(config, dataset, tokenizer),
        dataset,
        _chosen("engines", engines, tuple(ENGINES)),
        _chosen("dtypes", dtypes, DTYPES),
        _sizes(batch_sizes),
        rounds,
        threads,
        sampling,
        Hardware(**hardware(on)),
        tokenizer,
    )
    benchmark = Benchmark(plan)
    try:
        for what in benchmark.rounds():
            _progress(what)
    finally:
        _progress("")
    found = benchmark.result()
    for caution in cautions(found):
        note(caution)
    if json:
        show_json({"bench": found})
        return
    for line in report(found, markdown):
        print(line)


def _chosen(flag: str, text: str, known: Sequence[str]) -> list[str]:
    """The words of a comma-separated list, each once and all of them known."""
    words = list(dict.fromkeys(word.strip() for word in text.split(",")))
    for word in words:
        if word not in known:
            raise InputError(f"--{flag} has {word!r}, must be some of {', '.join(known)}.")
    return words


def _sizes(text: str) -> list[int]:
    sizes = []
    for word in dict.fromkeys(word.strip() for word in text.split(",")):
        if not word.isascii() or not word.isdecimal() or len(word) > 9:
            raise InputError(
                f"--batch-sizes has {word!r}, must be whole numbers separated by commas.",
                "For example: --batch-sizes 1,64",
            )
        make_config("final", batch_size=int(word))  # says what it must be
        sizes.append(int(word))
    return sizes


def _progress(text: str) -> None:
    """What is going on, rewritten in place, and only on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def cautions(found: dict[str, Any]) -> list[str]:
    """What makes these numbers less reliable than they should be."""
    said = []
    if found["threads"] == 1 and found["core"] is None:
        said.append("this system can't pin a process to a core: the times are less reliable.")
    if found["peak"]["blas_threads"] not in (None, "1"):
        said.append(
            f"OPENBLAS_NUM_THREADS is {found['peak']['blas_threads']}: the peak may be that of "
            "several threads."
        )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > (os.cpu_count() or 1) + 0.5:
        said.append(f"the machine is busy (load {load:.1f}): the times are less reliable.")
    return said


def report(found: dict[str, Any], markdown: bool = False) -> list[str]:
    """The findings as aligned tables, or as Markdown."""
    model, peak = found["model"], found["peak"]
    core = "on one core" if found["core"] is not None else "not pinned to a core"
    unit = "window" if found.get("long") == "window" else "document"
    threads = core if found["threads"] == 1 else f"{found['threads']} threads"
    head = [
        f"machine  {found['machine']}, Python {found['python']}, NumPy {found['numpy']}",
        f"model    {model['parameters']:,} parameters: n_layer {model['n_layer']}, "
        f"n_embd {model['n_embd']}, n_head {model['n_head']}, block_size {model['block_size']}"
        + "".join(f", {what}" for what in model["beyond"]),
        f"data     {found['data']}{_tokens(found)}: {found['positions']:.3f} positions and "
        f"{found['flop_per_document']:,.0f} FLOP per {unit}",
        f"peak     {peak['gflops']:.1f} GFLOP/s, so {peak['microseconds_per_document']:.3f} µs per "
        f"{unit}",
        f"timed    {found['clock']}, {threads}, median of {found['rounds']} rounds taken in turn",
    ]
    lines = [] if markdown else [*head, ""]
    layout = _markdown if markdown else _aligned
    if found["training"]:
        training = [name.replace("document", unit) for name in _TRAINING]
        lines += layout(training, [_training_cells(row) for row in found["training"]])
    if found["sampling"]:
        lines += ["", *layout(_SAMPLING, [_sampling_cells(row) for row in found["sampling"]])]
    if found["left_out"] and not markdown:
        lines.append("")
        for row in found["left_out"]:
            lines.append(f"left out: {row['engine']} {row['dtype']}: {row['reason']}")
    return lines


def _tokens(found: dict[str, Any]) -> str:
    """What the tokens are, where they aren't characters."""
    return f" in {found['tokenizer']}" if found.get("tokenizer") else ""


_TRAINING = (
    "training",
    "numbers",
    "batch",
    "µs per document",
    "times scalar",
    "time / peak's",
    "share of peak",
)
_SAMPLING = ("sampling", "numbers", "tokens per second", "times scalar")


def _training_cells(row: dict[str, Any]) -> list[str]:
    return [
        row["engine"],
        row["dtype"],
        str(row["batch_size"]),
        _short(row["microseconds"]),
        _short(row["times_scalar"]),
        _short(row["ratio_to_peak"]),
        f"{_short(100 * row['share_of_peak'])} %",
    ]


def _sampling_cells(row: dict[str, Any]) -> list[str]:
    rate = _short(row["tokens_per_second"])
    return [row["engine"], row["dtype"], rate, _short(row["times_scalar"])]


def _short(number: float | None) -> str:
    """Three significant digits, written out; a dash for what wasn't measured."""
    if number is None:
        return "-"
    if number >= 100:
        digits = len(str(int(number))) - 3
        return f"{round(number / 10**digits) * 10**digits:,}"
    if number < 0.9995:
        return f"{number:.3g}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def _aligned(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns: the first two left-aligned, the numbers right-aligned."""
    widths = [max(len(cell) for cell in column) for column in zip(names, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (names, *rows)
    ]


def _markdown(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---" if i < 2 else "--:" for i in range(len(names))]
    return [f"| {' | '.join(cells)} |" for cells in (names, rule, *rows)]

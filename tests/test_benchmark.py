"""What `microgpt bench` computes and how it shows it; how fast anything is, is never tested."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli_runner import microgpt, ok, refused
from microgpt import benchmark
from microgpt.benchmark import Benchmark, Plan
from microgpt.cli.bench import cautions, report
from microgpt.config import make_config
from microgpt.data import load_data
from microgpt.engines import ASKED, ENGINES
from microgpt.engines.numpy.engine import NumpyEngine
from microgpt.errors import NumbersError
from microgpt.flops import forward_flop

TINY = ("--n-embd", 4, "--n-head", 2, "--block-size", 4, "--rounds", 2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds as short as can be: nobody reads these times."""
    monkeypatch.setattr(benchmark, "_PIECE_SECONDS", 1e-4)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("ab\nba\nabba\nb\n", encoding="utf-8")
    return path


def test_peak_is_computed_from_the_best_of_five() -> None:
    ticks = iter([0, 5, 10, 12, 20, 23, 30, 34, 40, 46])
    assert benchmark.peak_rate(lambda: float(next(ticks))) == 2 * 512**3 / 2


def test_one_core_and_back() -> None:
    if not hasattr(os, "sched_setaffinity"):
        with benchmark.one_core() as core:
            assert core is None
        pytest.skip("this system can't pin")
    before = os.sched_getaffinity(0)
    with benchmark.one_core() as core:
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before


def test_json_is_one_object_with_every_engine(words: Path) -> None:
    """Each engine asked for is measured in each number type and batch size, or left out."""
    result = ok("bench", words, *TINY, "--batch-sizes", "1,3", "--json")
    (line,) = result.lines
    found = line["bench"]
    cells = {
        (name, dtype, size)
        for name in ENGINES
        if name not in ASKED
        for dtype in ("float64", "float32")
        for size in (1, 3)
    }
    told = {(r["engine"], r["dtype"], r["batch_size"]) for r in found["training"]}
    assert not told & {(r["engine"], r["dtype"], r["batch_size"]) for r in found["left_out"]}
    for row in found["left_out"]:
        assert row["reason"]
        sizes = (1, 3) if row["batch_size"] is None else (row["batch_size"],)
        told |= {(row["engine"], row["dtype"], size) for size in sizes}
    assert told == cells
    assert ("scalar", "float64", 3) in told and ("numpy", "float32", 1) in told
    assert found["model"]["parameters"] == 4 * (3 + 4 + 3) + 12 * 16
    assert found["model"]["n_embd"] == 4 and found["data"] == "words.txt"
    assert found["positions"] == (3 + 3 + 4 + 2) / 4
    assert found["peak"]["gflops"] > 0 and found["clock"] and found["machine"]
    for row in found["training"]:
        assert row["rounds"] in (1, 2) and row["documents"] >= row["batch_size"]
        assert 0 < row["best_microseconds"] <= row["microseconds"]
        assert row["share_of_peak"] == pytest.approx(1 / row["ratio_to_peak"])
        assert row["gflops"] == pytest.approx(
            found["flop_per_document"] / row["microseconds"] / 1e3
        )
        if row["engine"] == "scalar":
            assert row["times_scalar"] == 1
        assert row["times_scalar"] > 0
    assert found["sampling_from"] == "random weights"
    sampled = [(row["engine"], row["dtype"]) for row in found["sampling"]]
    assert sampled == list(dict.fromkeys((r["engine"], r["dtype"]) for r in found["training"]))
    assert all(row["tokens_per_second"] > 0 for row in found["sampling"])


def test_flags_reach_the_plan(words: Path) -> None:
    result = ok(
        "bench", words, *TINY, "--json", "--engines", "numpy, numpy", "--dtypes", "float64",
        "--batch-sizes", "2", "--n-layer", 2, "--activation", "relu_squared", "--long", "window",
        "--optimizer", "sgd", "--threads", 2, "--no-sampling",
    )  # fmt: skip
    (found,) = result.of("bench")
    assert found["sampling"] == [] and found["left_out"] == []
    assert found["core"] is None and found["clock"] == "wall time" and found["threads"] == 2
    assert found["positions"] == 4
    assert found["model"]["n_layer"] == 2 and found["model"]["activation"] == "relu_squared"
    (row,) = found["training"]
    assert (row["engine"], row["dtype"], row["batch_size"]) == ("numpy", "float64", 2)
    assert row["times_scalar"] is None


def test_tables(words: Path) -> None:
    shown = ok("bench", words, *TINY, "--engines", "numpy", "--dtypes", "float64")
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["machine", "model", "data", "peak", "timed"]
    table = lines[6:9]
    assert table[0].split()[:3] == ["training", "numbers", "batch"]
    assert [line.split()[:3] for line in table[1:]] == [
        ["numpy", "float64", "1"],
        ["numpy", "float64", "64"],
    ]
    ends = {line.index("%") for line in table[1:]}
    assert ends == {len(table[0]) - 1}, "numbers are set to the right"


def test_markdown(words: Path) -> None:
    shown = ok("bench", words, *TINY, "--engines", "numpy", "--dtypes", "float64", "--markdown")
    first, second = shown.out.strip().split("\n\n")
    for table, rows in ((first, 2), (second, 1)):
        lines = table.splitlines()
        assert len(lines) == 2 + rows
        assert len({line.count("|") for line in lines}) == 1
        assert set(lines[1]) <= set("|-: ")


FOUND: dict[str, Any] = {
    "machine": "2 cores of a processor",
    "python": "3.11.7",
    "numpy": "2.1.0",
    "core": 1,
    "clock": "processor time",
    "threads": 1,
    "rounds": 7,
    "model": {
        "n_layer": 1, "n_embd": 16, "n_head": 4, "block_size": 16, "activation": "relu",
        "vocab_size": 27, "parameters": 4192, "beyond": [],
    },
    "data": "names",
    "positions": 7.1222,
    "flop_per_document": 155490.09,
    "peak": {"gflops": 105.0, "microseconds_per_document": 1.48086, "blas_threads": "1"},
    "training": [
        {
            "engine": "native", "dtype": "float32", "batch_size": 1, "microseconds": 3.987,
            "times_scalar": 48012.5, "ratio_to_peak": 2.6924, "share_of_peak": 0.37141,
        },
        {
            "engine": "scalar", "dtype": "float64", "batch_size": 64, "microseconds": 191421.0,
            "times_scalar": 1.0, "ratio_to_peak": 129264.0, "share_of_peak": 7.736e-06,
        },
        {
            "engine": "numpy", "dtype": "float64", "batch_size": 64, "microseconds": 24.7,
            "times_scalar": None, "ratio_to_peak": 16.7, "share_of_peak": 0.0599,
        },
    ],
    "sampling": [
        {
            "engine": "native", "dtype": "float32", "tokens_per_second": 5123456.0,
            "times_scalar": 1234.0,
        },
        {
            "engine": "scalar", "dtype": "float64", "tokens_per_second": 4151.2,
            "times_scalar": 0.9999999,
        },
    ],
    "left_out": [
        {"engine": "scalar", "dtype": "float32", "batch_size": None, "reason": "computes slowly"},
    ],
}  # fmt: skip


def test_report_to_the_letter() -> None:
    assert report(FOUND) == [
        "machine  2 cores of a processor, Python 3.11.7, NumPy 2.1.0",
        "model    4,192 parameters: n_layer 1, n_embd 16, n_head 4, block_size 16",
        "data     names: 7.122 positions and 155,490 FLOP per document",
        "peak     105.0 GFLOP/s, so 1.481 µs per document",
        "timed    processor time, on one core, median of 7 rounds taken in turn",
        "",
        "training  numbers  batch  µs per document  times scalar  time / peak's  share of peak",
        "native    float32      1             3.99        48,000           2.69         37.1 %",
        "scalar    float64     64          191,000          1.00        129,000     0.000774 %",
        "numpy     float64     64             24.7             -           16.7         5.99 %",
        "",
        "sampling  numbers  tokens per second  times scalar",
        "native    float32          5,120,000         1,230",
        "scalar    float64              4,150          1.00",
        "",
        "left out: scalar float32: computes slowly",
    ]


def test_markdown_to_the_letter() -> None:
    assert report(FOUND, markdown=True)[-4:] == [
        "| sampling | numbers | tokens per second | times scalar |",
        "| --- | --- | --: | --: |",
        "| native | float32 | 5,120,000 | 1,230 |",
        "| scalar | float64 | 4,150 | 1.00 |",
    ]


def test_what_makes_times_uncertain_is_said() -> None:
    unpinned = {**FOUND, "core": None}
    assert any("can't pin" in line for line in cautions(unpinned))
    assert any("not pinned to a core" in line for line in report(unpinned))
    assert not any("can't pin" in line for line in cautions({**unpinned, "threads": 2}))
    loud = {**FOUND, "peak": {**FOUND["peak"], "blas_threads": "8"}}
    assert any("OPENBLAS_NUM_THREADS is 8" in line for line in cautions(loud))


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--engines", "nupmy"), "'nupmy'"),
        (("--engines", ""), "must be some of native, numpy, scalar"),
        (("--dtypes", "float8"), "'float8'"),
        (("--batch-sizes", "1,x"), "'x'"),
        (("--batch-sizes", "1,,2"), "''"),
        (("--batch-sizes", "0"), "batch_size is 0"),
        (("--batch-sizes", "-3"), "'-3'"),
        (("--batch-sizes", "9" * 30), "whole numbers"),
        (("--rounds", 0), "rounds is 0"),
        (("--threads", 0), "threads is 0"),
        (("--n-embd", 15), "not divisible"),
        (("--n-layer", 1.5), "whole number"),
        (("--long", "never"), "cut, window"),
        (("--data", "numbers"), "'numbers'"),
        (("more", "than", "one"), "too many arguments"),
    ],
)
def test_bad_flags_are_refused(flags: tuple[object, ...], says: str) -> None:
    assert says in refused(2, "bench", *flags)


def test_two_ways_of_printing() -> None:
    (error,) = microgpt("bench", "--markdown", "--json").of("error")
    assert error["code"] == 2 and "both given" in error["message"]


def test_both_a_file_and_a_list(words: Path) -> None:
    assert "Choose one" in refused(2, "bench", words, "--data", "names")


def test_what_was_guessed_of_the_file_is_said(tmp_path: Path) -> None:
    """As when it is trained on; and what the refusal of a table asks for can be given."""
    quickly = (*TINY, "--engines", "numpy", "--batch-sizes", 1, "--no-sampling")
    table, old = tmp_path / "people.csv", tmp_path / "old.txt"
    table.write_text("name,born\nada,1815\neva,1900\n")
    old.write_bytes("René\nZoë\n".encode("cp1252"))
    said = ok("bench", old, *quickly, "--json")
    assert f"note: {old} is read as Windows-1252" in said.err
    assert said.of("bench")
    assert "--column name" in refused(2, "bench", table, *quickly)
    said = ok("bench", table, *quickly, "--column", "name")
    assert f"note: {table}: column 1 of 2 'name', 2 rows" in said.err
    table = table.rename(table.with_suffix(".txt"))
    assert "looks like a table" in ok("bench", table, *quickly).err


def test_a_missing_file() -> None:
    refused(3, "bench", "nowhere.txt")


def test_no_engine_can() -> None:
    said = refused(5, "bench", "--engines", "scalar", "--dtypes", "float32")
    assert "scalar computes" in said and "doctor" in said


def test_what_would_take_too_long_is_left_out(words: Path) -> None:
    plan = Plan(
        make_config(n_embd=64, block_size=4),
        load_data(words),
        ["numpy", "scalar"],
        ["float64"],
        [1, 4096],
        sampling=False,
    )
    bench = Benchmark(plan)
    assert [(row.engine, row.batch_size) for row in bench.rows] == [
        ("numpy", 1),
        ("numpy", 4096),
        ("scalar", 1),
    ]
    (row,) = bench.left_out
    assert (row["engine"], row["batch_size"]) == ("scalar", 4096) and "seconds" in row["reason"]


def test_sampling_takes_the_shipped_model_where_it_fits() -> None:
    plan = Plan(make_config(), load_data("names"), ["numpy"], ["float32"], [], rounds=1)
    assert Benchmark(plan).trained


def test_times_are_scaled_to_a_mean_document(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever document comes, an engine of constant speed gets the same time."""
    plan = Plan(make_config(n_embd=4, block_size=4), load_data(words), ["numpy"], ["float64"], [1])
    bench = Benchmark(plan)
    now = 0.0

    def steps(self: NumpyEngine, batches: Any, lrs: Any, first_step: int) -> list[float]:
        nonlocal now
        lengths = np.diff(batches.offsets) - 1
        now += 3e-9 * sum(3 * forward_flop(bench.config, n) for n in lengths.tolist())
        return [1.0] * len(lrs)

    monkeypatch.setattr(NumpyEngine, "steps", steps)
    bench.clock = lambda: now
    work = bench.rows[0].work
    for _ in range(4):
        assert work(1)[0] == pytest.approx(3e-9 * bench.flop)
    assert work(3)[0] == pytest.approx(3e-9 * bench.flop)


def test_a_loss_that_is_no_number_ends_it(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(make_config(n_embd=4, block_size=4), load_data(words), ["numpy"], ["float64"], [1])
    bench = Benchmark(plan)
    monkeypatch.setattr(NumpyEngine, "steps", lambda *_: [float("nan")])
    with pytest.raises(NumbersError, match="not finite"):
        bench.rows[0].work(1)

"""Characters against byte pairs: the table of bench/tokens.py, and what is said of it."""

import json
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from microgpt.data import load_data
from microgpt.start import hold_out

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "guide" / "pages" / "learn" / "real.md").read_text(encoding="utf-8")
FOUND = json.loads((ROOT / "bench" / "results" / "tokens.json").read_text(encoding="utf-8"))
ROWS = {row["row"]: row for row in FOUND["rows"]}
SIZE = 1_115_394


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "bench")
    import tokens

    return tokens


def of_page(row: dict[str, Any]) -> str:
    """A row as the page on production models shows it."""
    (nats, _), (bits, _) = mean_and_error(row["losses"]), mean_and_error(row["bits_per_byte"])
    kind = row["row"].partition(",")[0]
    return f"| {row['vocab_size']:,}, {kind} | {row['tokens']:,} | {nats:.2f} | {bits:.2f} |"


def mean_and_error(numbers: list[float]) -> tuple[float, float]:
    mean = math.fsum(numbers) / len(numbers)
    spread = math.fsum((x - mean) ** 2 for x in numbers) / (len(numbers) - 1)
    return mean, 2 * math.sqrt(spread / len(numbers))


def test_every_row_counts_the_same_bytes_and_has_about_as_many_parameters(
    bench: ModuleType,
) -> None:
    assert list(ROWS) == [row.name for row in bench.ROWS]
    wanted = ROWS["characters"]["parameters"]
    for row in bench.ROWS:
        found = ROWS[row.name]
        config = bench.config_of(row, found["vocab_size"])
        assert (config.n_embd, config.parameters()) == (found["n_embd"], found["parameters"])
        assert found["bytes"] == SIZE
        assert abs(found["parameters"] / wanted - 1) < 0.05
        assert found["bytes_per_token"] == SIZE / found["tokens"]
        assert found["block_bytes"] == pytest.approx(row.block_size * SIZE / found["tokens"])
        assert len(found["losses"]) == len(found["bits_per_byte"]) == len(found["seeds"]) >= 2
        tried = ROWS[row.like or row.name]["tried"]
        assert found["lr"] == float(min(tried, key=tried.get))


def test_the_bytes_of_the_held_out_text_turn_one_number_into_the_other(bench: ModuleType) -> None:
    data = load_data("shakespeare")
    (tail,) = hold_out(bench.make_config(holdout=0.1), data).holdout
    text = bench.Text(data)
    for row in bench.ROWS[:4]:
        tokens = len(text.tokenizer(row).encode(tail)) + 1
        assert text.count(row) == ROWS[row.name]["tokens"]
        found = ROWS[row.name]
        for nats, bits in zip(found["losses"], found["bits_per_byte"], strict=True):
            assert bits == pytest.approx(nats * tokens / math.log(2) / (len(tail) + 1), rel=1e-9)


def test_results_are_apart_where_their_errors_do_not_reach(bench: ModuleType) -> None:
    one = {"bits_per_byte": [2.0, 2.1, 2.2]}
    assert not bench.apart(one, {"bits_per_byte": [2.2, 2.3, 2.4]})
    assert bench.apart(one, {"bits_per_byte": [2.7, 2.8, 2.9]})


def test_the_page_says_what_was_measured() -> None:
    for name in ("characters", "byte pairs, 512", "byte pairs, 1,024", "byte pairs, 2,048"):
        assert of_page(ROWS[name]) in PAGE
    assert f"models of about {round(ROWS['characters']['parameters'], -4):,} parameters" in PAGE
    last = ROWS["byte pairs, 2,048"]
    assert f"{100 * last['in_tables'] / last['parameters']:.0f} % of the last model's" in PAGE
    assert {row["block_size"] for row in ROWS.values()} - {64} == {192}
    assert f"64 positions reach back over {last['block_bytes']:.0f} bytes instead of 64" in PAGE
    short, late = (
        first["characters"] - first["byte pairs, 2,048"]
        for first in (
            {name: mean_and_error(row["bits_per_byte"])[0] for name, row in ROWS.items()},
            {one["row"]: one["bits_per_byte"] for one in FOUND["longer"]},
        )
    )
    assert f"the last falls from {short:.2f} to {late:.2f}." in PAGE
    assert all(7.5 < row["seconds"] < 9.5 for row in ROWS.values()) and "eight seconds" in PAGE
    shown = [row for row in ROWS.values() if of_page(row) in PAGE]
    worst = max(mean_and_error(row["bits_per_byte"])[1] for row in shown)
    assert len(shown) == 4 and f"± {worst:.2f} at most" in PAGE
    assert {len(row["seeds"]) for row in ROWS.values()} == {3} and "three seeds" in PAGE


@pytest.mark.prove
def test_other_seeds_agree_with_the_table(tmp_path: Path) -> None:
    script = [sys.executable, ROOT / "bench" / "tokens.py", "--check", "--runs", tmp_path]
    assert subprocess.run(script, check=False).returncode == 0

"""The guide's page about rungs 6 to 9: its numbers, what it quotes, and its widgets."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from guide_pages import LADDER, ROOT, in_address, page_text, rows, shown, told
from ladder_runner import run_rung, rung_source
from test_guide_pages_training import _body, _in_common

BENCH = json.loads((ROOT / "bench" / "results" / "ladder.json").read_text(encoding="utf-8"))
TEXT = " ".join(page_text("arrays").split())


def times(rung: int, other: int = 5, batch_size: int = 16, n_embd: int = 16) -> float:
    (row,) = [
        row
        for row in BENCH["training"]
        if (row["rung"], row["n_embd"]) == (rung, n_embd)
        and row["batch_size"] == (1 if rung == 6 else batch_size)
    ]
    return float(row["times"][str(other)])


def two_digits(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}" if number >= 10 else f"{number:.1f}"


# ---------------------------------------------------------------- numbers on the pages


def test_times_are_the_measured_ones() -> None:
    for rung in (6, 7, 8, 9):
        assert f"{two_digits(times(rung))} (rung {rung})" in TEXT
    assert f"Rung 8 takes {two_digits(1 / times(8, 7))} times as long as rung 7" in TEXT
    assert f"It takes {two_digits(1 / times(9, 7))} times as long" in TEXT
    assert 2.5 < 1 / times(9, 7) < 3.5, "the question's answer is: about three times as long"
    wide = f"PyTorch is {two_digits(times(9, 7, n_embd=256))} times as fast as rung 7 and "
    assert f"{wide}{two_digits(times(9, 8, n_embd=256))} times as fast as rung 8" in TEXT
    table = [row for row in rows("arrays") if re.fullmatch(r"rung \d", row[0])]
    assert table[0] == ["rung 6", two_digits(times(6)), "–", "–"]
    for row in table[1:]:
        rung = int(row[0][-1])
        assert row[1:] == [two_digits(times(rung, batch_size=size)) for size in (1, 16, 64)]
    assert len(table) == 4
    for rung, row in zip((6, 7, 8, 9), _progression(), strict=True):
        lines, faster, unseen = row[2:]
        assert lines == f"{len(rung_source(rung).splitlines())}"
        assert (faster, unseen) == (two_digits(times(rung)), _unseen(rung))


def _progression() -> list[list[str]]:
    return [row for row in rows("progression") if re.match(r"\[[6-9]\]\(", row[0])]


def _unseen(rung: int) -> str:
    run = LADDER["batches"] if rung > 6 else LADDER["rungs"][5]
    return f"{run['held_out']:.3f}"


def test_the_record_is_of_rung_7_and_of_the_measurement() -> None:
    import record_ladder

    assert record_ladder.speed() == LADDER["speed"]
    assert record_ladder.batches() == LADDER["batches"]
    run = LADDER["batches"]
    names = ", ".join(f"*{name}*" for name in run["samples"][:4])
    assert f"Its first names are {names}." in TEXT
    seen = run["batch_size"] * 1000
    assert f"learned from {seen:,}, and has {run['held_out']:.3f} on the other " in TEXT
    assert f"the other {32033 - seen:,}" in TEXT
    means = [sum(losses[-100:]) / 100 for losses in (LADDER["rungs"][5]["losses"], run["losses"])]
    assert f"rung 5 has {means[0]:.3f}, rung 7 has {means[1]:.3f}" in TEXT


def test_a_step_has_as_many_positions_and_values_as_the_page_says() -> None:
    mask = run_rung(7, 1)[0]["mask"]
    assert f"{mask.sum()} positions, and {mask.size - mask.sum()} of padding" in TEXT
    one, several = (_values(rung) for rung in (5, 8))
    assert f"*{LADDER['batches']['first'][0]}*, rung 5 makes {one:,} Values" in TEXT
    assert f"Rung 8 makes {several} Values for the loss of 16 names" in TEXT


def _values(rung: int) -> int:
    """How many Values the loss of a step is made of, beside the parameters."""
    names, _ = run_rung(rung, 0)
    made = 0
    before = names["Value"].__init__

    def counted(*arguments: Any) -> None:
        nonlocal made
        made += 1
        before(*arguments)

    names["Value"].__init__ = counted
    docs, index, bos = names["docs"], names["chars"].index, names["BOS"]
    if rung == 5:
        names["loss_of"]([bos, *map(index, docs[0]), bos])
    else:
        names["loss_of"](*names["batch_of"](docs[: names["batch_size"]]))
    return made


def test_what_the_page_says_of_the_programs_is_so() -> None:
    lines = [f"{len(rung_source(rung).splitlines())}" for rung in range(5, 10)]
    (row,) = [row for row in rows("arrays") if row[0] == "lines"]
    assert row[1:] == lines
    (row,) = [row for row in rows("arrays") if row[0] == "unseen names"]
    assert row[1:] == [_unseen(rung) for rung in range(5, 10)]
    for before, after in ((6, 7), (8, 9)):
        old, new = _body(f"{before}"), _body(f"{after}")
        stay = _in_common(old, new)
        come, go = len(new) - stay, len(old) - stay
        said = f"From rung {before} to rung {after}, {come} lines of code come, {go} go, and"
        assert f"{said} {stay} stay" in TEXT
    for fence in re.findall(r"```python\n(.*?)```", page_text("arrays"), re.S):
        for line in fence.splitlines():
            assert any(line.strip() in rung_source(rung) for rung in (6, 8)), line


# ---------------------------------------------------------------- in a browser


@pytest.mark.slow
def test_a_step_of_each_rung_is_drawn(opened: Callable[..., Any]) -> None:
    page = opened("arrays", "mg-arrays")
    told(page, "mg-arrays", "16 names, 123 positions and 37 of padding")
    page.get_by_role("button", name="rung 6", exact=True).click()
    told(page, "mg-arrays", "the name yuheng, 7 positions")
    in_address(page, "arrays=rung:6")
    assert page.locator('mg-arrays [data-kind="now"]').count() == 7
    shown(page, "mg-ladder-losses")
    told(page, "mg-ladder-losses", "rung 5 2.367, rung 7 2.211")

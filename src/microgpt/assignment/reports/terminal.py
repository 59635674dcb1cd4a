"""Results on a terminal: aligned, in colour where it can be seen, the same words without it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from microgpt.assignment.reports import shape, text
from microgpt.assignment.result import PARTS, Check, Result, summary

if TYPE_CHECKING:
    from rich.table import Table

_SIGNS = {"passed": "+", "partly": "~", "failed": "x"}
_COLOURS = {"passed": "green", "partly": "yellow", "failed": "red"}
_NARROW, _WIDE = 60, 110


def render(result: Result, columns: int = 100) -> str:
    """One result as plain lines of at most ``columns`` characters, for a pipe or a file."""
    columns = max(_NARROW, min(columns, _WIDE))
    lines = [_head(result)]
    rows = [(part, check) for part, checks in shape.by_part(result).items() for check in checks]
    label = min(
        34, columns // 3, max([10, *(text.width(text.name(check.name)) for _, check in rows)])
    )
    before = ""
    for part, check in rows:
        if part != before:
            lines += ["", _part_line(result, part)]
            before = part
        points = _points(check) if check.out_of else shape.state(check)
        start = f"  {_SIGNS[shape.state(check)]} {text.pad(text.name(check.name), label)}"
        lines += _wrapped(f"{start} {points:>11}  ", shape.about(check), columns)
        for example in check.examples:
            lines += _wrapped("      e.g. ", text.plain(example), columns)
    for title, told in _notes(result):
        lines += ["", title]
        for line in told:
            lines += _wrapped("  - ", text.plain(line), columns)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def render_class(results: Sequence[Result]) -> str:
    """A line for each result, and one over all, as plain text."""
    label = min(40, max([7, *(text.width(text.name(r.student)) for r in results)]))
    lines = [
        f"{text.pad('student', label)} {'score':>6}  "
        + "  ".join(f"{part:>6}" for part in PARTS)
        + "  remarks"
    ]
    for result in results:
        numbers = "  ".join(f"{_counted(result, p):>{max(6, len(p))}}" for p in PARTS)
        start = f"{text.pad(text.name(result.student), label)} {shape.total(result):>6}"
        lines.append(f"{start}  {numbers}  {_remark(result)}".rstrip())
    return "\n".join([*lines, "", summary(results)]) + "\n"


def show(results: Sequence[Result], file: TextIO | None = None) -> None:
    """Print one result whole, several as a table; in colour only on a terminal."""
    out = sys.stdout if file is None else file
    if not out.isatty() or os.environ.get("NO_COLOR"):
        print(render(results[0]) if len(results) == 1 else render_class(results), end="", file=out)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, emoji=False)
    if len(results) != 1:
        console.print(_class_table(results))
        console.print(Text(summary(results)))
        return
    for line in render(results[0], console.width).splitlines():
        mark = line[2:3] if line.startswith("  ") and line[3:4] == " " else ""
        word = next((word for word, sign in _SIGNS.items() if sign == mark), None)
        style = _COLOURS[word] if word else "bold" if line and not line.startswith(" ") else ""
        console.print(Text(line, style=style), soft_wrap=True)


def _class_table(results: Sequence[Result]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("student", overflow="fold")
    for title in ("score", *PARTS):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("remarks", overflow="fold")
    for result in results:
        colour = "red" if result.score < 50 else "green" if result.score >= 80 else ""
        colour = colour if result.graded else ""
        table.add_row(
            Text(text.name(result.student)),
            Text(shape.total(result), style=colour),
            *(Text(_counted(result, part)) for part in PARTS),
            Text(_remark(result)),
        )
    return table


def _head(result: Result) -> str:
    return f"{text.name(result.student)}  {text.name(result.submission)}  " + (
        f"{shape.score(result.score)} of {shape.OUT_OF:g}" if result.graded else "not graded"
    )


def _counted(result: Result, part: str) -> str:
    return shape.score(shape.counted(result, part)) if result.graded else "-"


def _part_line(result: Result, part: str) -> str:
    title = shape.TITLES.get(part, text.name(part))
    if part not in PARTS:
        return title
    told = f"{title}: {shape.score(result.points(part))} of {PARTS[part]:g}"
    return f"{told}, not counted" if result.gated and part in shape.GATED else told


def _points(check: Check) -> str:
    return f"{shape.score(check.points)}/{shape.score(check.out_of)}"


def _wrapped(start: str, told: str, columns: int) -> list[str]:
    """``told`` after ``start``, further lines indented as far; words too long are cut apart."""
    parts = text.wrap(told, max(2, columns - text.width(start)))
    return [start + parts[0], *(" " * text.width(start) + part for part in parts[1:])]


def _notes(result: Result) -> list[tuple[str, Sequence[str]]]:
    frontier = shape.frontier_line(result)
    notes: list[tuple[str, Sequence[str]]] = [
        ("Points that don't count", [line for line in [shape.gate_line(result)] if line]),
        ("Problems", result.problems),
        ("Trade-off", [frontier] if frontier else []),
        ("What to try next", shape.advice(result)),
        ("To be confirmed by a person", result.confirm),
        ("Not isolated on this machine", result.isolation),
        ("How it was graded", [result.how] if result.how else []),
    ]
    return [(title, told) for title, told in notes if told]


def _remark(result: Result) -> str:
    if result.problems:
        return text.plain(result.problems[0], 80)
    if result.gated:
        return f"{shape.score(result.gated)} points not counted"
    failed = [text.name(check.name) for check in result.checks if not check.passed]
    more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
    return f"lost on: {'; '.join(failed[:3])}{more}" if failed else ""


def _demo() -> None:
    checks = (
        Check("common prefixes", "benign", True, 1.0, 40.0, 40.0, 60, "all answered"),
        Check("heads of fruits", "adversarial", True, 0.5, 20.0, 40.0, 30, "half were let through"),
        Check("one line each", "protocol", False, 1.0, 0.0, 0.0, 12, "as asked"),
    )
    result = Result("s1", "s1/bot.py", 60.0, checks, leak=0.02, refused=0.031)
    show([result])
    print()
    show([result, Result("s2", "s2.zip", 0.0, (), problems=("There is no bot.py.",))])


if __name__ == "__main__":
    _demo()

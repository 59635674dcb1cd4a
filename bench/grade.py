"""`microgpt grade` on a class of 100, one of them hanging and one crashing.

    python bench/grade.py [--students 100] [--jobs 2]

The class is made from the reference, the template and the flawed bots of tests/mutant_bots.py that
don't use up their time. The bar: at most 300 seconds on two cores. Results go to
bench/results/grade.json and .md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from common import ROOT, load, microgpt, save, whole_process

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
from bot_sources import SOLUTION, TEMPLATE  # noqa: E402
from mutant_bots import mutants  # noqa: E402

BAR = 300.0
_LONG = ("slow", "hangs", "forks")  # these run until a limit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    flawed = [m.bot for m in mutants([], []) if not m.name.startswith(_LONG)]
    bots = [b"while True:\n    pass\n", b"1 / 0\n", SOLUTION.encode(), TEMPLATE.encode(), *flawed]
    loads = [load()]
    with tempfile.TemporaryDirectory() as folder:
        for i in range(given.students):
            place = Path(folder, f"s{i:03d}")
            place.mkdir()
            (place / "bot.py").write_bytes(bots[i] if i < 2 else bots[2 + i % (len(bots) - 2)])
        command = [*microgpt(), "grade", folder, "--jobs", str(given.jobs), "--json"]
        wall, busy, printed = whole_process(command)
    loads.append(load())
    results = [json.loads(line)["result"] for line in printed.splitlines()]
    assert len(results) == given.students
    assert [r["score"] for r in results[:3]] == [0, 0, 100], results[:3]
    figures = {
        "students": given.students,
        "jobs": given.jobs,
        "wall_s": round(wall, 1),
        "cpu_s_a_student": round(busy / given.students, 2),
        "bar_wall_s": BAR,
        "load": loads,
    }
    save("grade", figures, [
        f"{given.students} submissions, {given.jobs} jobs: {wall:.0f} s (bar {BAR:.0f}), "
        f"{busy / given.students:.2f} CPU s each; load {loads[0]} to {loads[1]}"
    ])  # fmt: skip


if __name__ == "__main__":
    main()

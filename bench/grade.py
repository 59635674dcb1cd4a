"""`microgpt grade` on classes of 100: ordinary work, and bots that run the model in their hooks.

    python bench/grade.py [--students 100] [--jobs 2]

The ordinary class is made of the correct bots in tests/honest_bots.py that are built on the kit's
template; bots that measure with the model while they are asked, and those with a template of their
own, are reported separately. The bar is 60 seconds of CPU for 100 ordinary ones, the class's
preparation included. Results go to bench/results/grade.json and .md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import ROOT, load, microgpt, save, whole_process

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
from honest_bots import honest_bots  # noqa: E402

BAR = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    kinds: dict[str, list[bytes]] = {"ordinary": [], "own template": [], "run the model": []}
    for bot in honest_bots():
        text = bot.bot.decode("utf-8", "replace")
        policy = text.partition("DON'T EDIT BELOW")[0]
        if "write_name(" in policy or "forward(" in policy or "load_model()" in policy:
            kinds["run the model"].append(bot.bot)
        elif "DON'T EDIT BELOW" in text:
            kinds["ordinary"].append(bot.bot)
        else:
            kinds["own template"].append(bot.bot)
    figures: dict[str, Any] = {"jobs": given.jobs, "bar_cpu_s_for_100": BAR}
    told = []
    for kind, bots in kinds.items():
        count = given.students if kind == "ordinary" else len(bots)
        before = load()
        wall, busy = _graded(bots, count, given.jobs)
        figures[kind] = {
            "students": count,
            "different": len(bots),
            "wall_s": round(wall, 1),
            "cpu_s": round(busy, 1),
            "cpu_s_a_student": round(busy / count, 2),
            "load": [before, load()],
        }
        bar = f" (bar {BAR:.0f} for 100)" if kind == "ordinary" else ""
        told.append(
            f"{kind}: {count} submissions, {len(bots)} of them different: {busy:.0f} CPU s{bar}, "
            f"{busy / count:.2f} each; {wall:.0f} s with {given.jobs} jobs; load {before}"
        )
    save("grade", figures, told)


def _graded(bots: Sequence[bytes], count: int, jobs: int) -> tuple[float, float]:
    """Wall and CPU seconds of a class of ``count``; all of them must get at least 98 points."""
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            place = Path(folder, f"s{i:03d}")
            place.mkdir()
            (place / "bot.py").write_bytes(bots[i % len(bots)])
        command = [*microgpt(), "grade", folder, "--jobs", str(jobs), "--json"]
        wall, busy, printed = whole_process(command)
    lines = [json.loads(line) for line in printed.splitlines()]
    results = [line["result"] for line in lines if "result" in line]
    assert len(results) == count
    assert all(result["score"] >= 98 for result in results), [r["score"] for r in results]
    return wall, busy


if __name__ == "__main__":
    main()

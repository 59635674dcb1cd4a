"""Whether the time machine of learn/scrubber keeps up: frames per second, and long tasks.

    python bench/scrubber.py [--rounds 3] [--slowdown 1 4] [--site FOLDER] [--save]

In headless Chromium, its processor slowed down, the reference run is trained and recorded in the
page. Then its slider is moved from the first of the 1,000 steps to the last, one step per frame, by
the events that a hand on the slider causes; the matrix is the largest (1,024 numbers) and the
prefix has 15 letters, the most there is to draw. `frames a second`: 1,000 divided by the time that
took. `worst`: the longest time from one frame to the next. `late`: frames of more than 33.4 ms.
`wrong`: frames after which the page did not show the step that was asked for in the frame before.
`longest task`: the longest that the main thread was busy at a stretch, while it trained and while
it was scrubbed (the browser reports only those above 50 ms). Bar: 30 frames a second without a
slowdown, and no task of more than 50 ms while it trains.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from common import load, save
from pages import browser, served

HASH = "#?weights=matrix:layer0.mlp_fc1,text:annannannannann"
WATCH = """
window.__long = [];
new PerformanceObserver((list) => {
  for (const {duration, startTime} of list.getEntries()) window.__long.push([startTime, duration]);
}).observe({type: "longtask"});
"""
SCRUB = """() => new Promise((done) => {
  const track = document.querySelector("mg-weights .mg-range");
  const widget = document.querySelector("mg-weights");
  const gaps = [];
  let [step, before, wrong] = [-1, 0, 0];
  const begun = performance.now();
  const next = (now) => {
    if (before) gaps.push(now - before);
    before = now;
    if (step >= 0 && widget.shown !== step) wrong++;
    if (++step > 1000) return done({took: performance.now() - begun, gaps, wrong, begun});
    track.value = String(step);
    track.dispatchEvent(new Event("input", {bubbles: true}));
    requestAnimationFrame(next); // the widget draws in that frame, after this
  };
  requestAnimationFrame(next);
})"""


def one_round(program: Any, address: str, slowdown: float) -> dict[str, float]:
    with browser.opened(program, viewport={"width": 1200, "height": 900}) as (page, wrong):
        devtools = page.context.new_cdp_session(page)
        page.add_init_script(WATCH)
        page.goto(f"{address}learn/scrubber/{HASH}")
        page.locator("mg-weights").scroll_into_view_if_needed()
        page.locator("mg-weights[data-loaded]").wait_for()
        page.wait_for_timeout(1000)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        begun = page.evaluate("performance.now()")
        page.get_by_role("button", name="Train and record").click()
        page.get_by_text("move through them").wait_for(timeout=300_000)
        page.wait_for_timeout(1000)
        trained = page.evaluate("performance.now()")
        found = page.evaluate(SCRUB)
        page.wait_for_timeout(500)
        tasks = page.evaluate("window.__long")
        if wrong:
            sys.exit("\n".join(wrong))
    gaps = found["gaps"]
    return {
        "fps": 1000 * len(gaps) / found["took"],
        "median": statistics.median(gaps),
        "worst": max(gaps),
        "late": sum(gap > 33.4 for gap in gaps),
        "wrong": found["wrong"],
        "task_training": max((d for s, d in tasks if begun <= s < trained), default=0.0),
        "task_scrubbing": max((d for s, d in tasks if s >= trained), default=0.0),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slowdown", type=float, nargs="+", default=[1.0, 4.0])
    parser.add_argument("--site", type=Path, help="a built site; else one is built")
    parser.add_argument("--save", action="store_true", help="write bench/results/scrubber.*")
    arguments = parser.parse_args()
    rows = []
    with served(arguments.site) as (program, address, _):
        for slowdown in arguments.slowdown:
            found = [one_round(program, address, slowdown) for _ in range(arguments.rounds)]
            best = statistics.median([one["fps"] for one in found])
            row = {"slowdown": slowdown, "fps": best, "rounds": found}
            for key in ("worst", "late", "wrong", "task_training", "task_scrubbing"):
                row[key] = max(one[key] for one in found)
            rows.append(row)
    head = f"1,000 steps, one a frame; {arguments.rounds} rounds: the median of their frames a "
    head += f"second, the worst of the rest; load {load()}. Milliseconds."
    columns = (
        "slowdown | frames a second | worst | late | wrong | longest task, training | scrubbing"
    )
    lines = [head, "", f"| {columns} |", "| --: | --: | --: | --: | --: | --: | --: |"]
    for row in rows:
        tasks = [f"{row[k]:.0f}" if row[k] else "< 50" for k in ("task_training", "task_scrubbing")]
        lines.append(
            f"| {row['slowdown']:g} | {row['fps']:.1f} | {row['worst']:.0f} | {row['late']} "
            f"| {row['wrong']} | {tasks[0]} | {tasks[1]} |"
        )
    if arguments.save:
        save("scrubber", {"rows": rows}, lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()

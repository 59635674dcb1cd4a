"""How soon a page of the guide can be used, and how soon it answers a dragged value.

    python bench/guide.py [--rounds 5] [--slowdown 4] [--save]

Each round opens every built page on a fresh profile of headless Chromium, its processor slowed
down. `ready`: milliseconds from the start of navigation until the document is parsed, the site's
buttons are there and every widget near the top of the page has been started. `answer`: the longest
time that the first slider of the page took from a key press to the next frame (Event Timing,
rounded to 8 ms; nothing where a page has no slider). `first load`: compressed bytes that the page
needs before anybody does anything, as the build counts them. Bars: 1,500 ms, 100 ms, 250 KB.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from common import ROOT, load, save

for folder in (ROOT / "tests", ROOT / "guide" / "build"):
    sys.path.insert(0, str(folder))

import assemble  # noqa: E402
import browser  # noqa: E402
import checking  # noqa: E402
import sitemap  # noqa: E402

WATCH = """
window.__events = [];
new PerformanceObserver((list) => window.__events.push(...list.getEntries().map((e) => e.duration)))
  .observe({type: "event", durationThreshold: 16, buffered: true});
const near = (e) => e.getBoundingClientRect().top < innerHeight + 600;
const ready = () => document.readyState !== "loading" && document.querySelector(".tools .button")
  && [...document.querySelectorAll("[data-module]:not(:defined)")].every((e) => !near(e));
const look = () => ready() ? (window.__ready = performance.now()) : requestAnimationFrame(look);
requestAnimationFrame(look);
"""


def one_round(program: object, address: str, url: str, slowdown: float) -> tuple[float, float]:
    with browser.opened(program, viewport={"width": 1200, "height": 900}) as (page, wrong):
        devtools = page.context.new_cdp_session(page)
        devtools.send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        page.add_init_script(WATCH)
        page.goto(address + url)
        for _ in range(600):  # wait_for_function would need eval, which the policy refuses
            ready = page.evaluate("window.__ready")
            if ready:
                break
            page.wait_for_timeout(50)
        else:
            sys.exit(f"{url or 'the start page'} is not ready after 30 s")
        answer = float("nan")
        slider = page.locator("input[type=range]").first
        if slider.count():
            slider.focus()
            page.evaluate("window.__events.length = 0")
            for key in ("ArrowRight",) * 8 + ("ArrowLeft",) * 8:
                page.keyboard.press(key)
                page.wait_for_timeout(50)
            page.wait_for_timeout(300)
            answer = page.evaluate("Math.max(8, ...window.__events)")
        if wrong:
            sys.exit("\n".join(wrong))
    return ready, answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slowdown", type=float, default=4.0)
    parser.add_argument("--save", action="store_true", help="write bench/results/guide.*")
    arguments = parser.parse_args()
    import playwright.sync_api  # noqa: F401

    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("there is no chromium here")
    rows = []
    with tempfile.TemporaryDirectory(prefix="microgpt-bench-") as folder:
        site = Path(folder) / "site"
        assemble.build(site)
        with (
            browser.serving(site.resolve()) as address,
            browser.chromium(sys.modules["playwright"], chromium) as program,
        ):
            for page in sitemap.read().pages.values():
                if not page.is_built:
                    continue
                found = [
                    one_round(program, address, page.url, arguments.slowdown)
                    for _ in range(arguments.rounds)
                ]
                readies, answers = zip(*found, strict=True)
                rows.append(
                    {
                        "page": page.page,
                        "ready": statistics.median(readies),
                        "ready_most": max(readies),
                        "answer": max(answers) if answers[0] == answers[0] else None,
                        "bytes": checking.first_load(site, page.url),
                    }
                )
    head = f"Processor slowed down {arguments.slowdown:g} times; {arguments.rounds} rounds; "
    head += f"load {load()}. Milliseconds, and compressed bytes."
    lines = [head, "", "| page | ready, median | most | answer, most | first load |"]
    lines.append("| --- | --: | --: | --: | --: |")
    for row in rows:
        answer = f"{row['answer']:.0f}" if row["answer"] is not None else "no slider"
        lines.append(
            f"| {row['page']} | {row['ready']:.0f} | {row['ready_most']:.0f} | {answer} "
            f"| {row['bytes']:,} |"
        )
    if arguments.save:
        save("guide", {"slowdown": arguments.slowdown, "pages": rows}, lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()

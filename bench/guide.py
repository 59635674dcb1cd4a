"""How soon a page of the guide can be used, and how soon it answers a dragged value.

    python bench/guide.py [--rounds 5] [--slowdown 4] [--pages index learn/counts] [--save]

Each round opens every built page on a fresh profile of headless Chromium, its processor slowed
down. `ready`: milliseconds from the start of navigation until the document is parsed, the site's
buttons are there and every widget near the top of the page has been started. `drag`: the first
slider that is shown is dragged with the mouse to the right and back, in 48 steps; from each input
event until the next frame is painted, waiting for that frame included; nothing where a page has no
slider. `picture`: the same for what is dragged in the drawing itself, on the pages of PULLED.
`best` is the round with the lowest median: other programs on the machine only ever add.
`first load`: compressed bytes that the page needs before anyone does anything, as the build counts
them. Bars: 1,500 ms; 16.7 ms in the median; 250 KB.
"""

import argparse
import statistics
import sys
from typing import Any

from common import load, save
from pages import browser, served

import checking
import sitemap

WATCH = """
window.__answers = [];
let frame = 0;
const hear = () => {
  if (frame) return; // answered in the same frame
  const began = performance.now();
  frame = requestAnimationFrame(() => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => { frame = 0; window.__answers.push(performance.now() - began); };
    port2.postMessage(0); // comes when the frame's layout and paint are done
  });
};
addEventListener("input", hear, true);
addEventListener("pointermove", (event) => { if (window.__pulls && event.buttons) hear(); }, true);
const near = (e) => e.getBoundingClientRect().top < innerHeight + 600;
const ready = () => document.readyState !== "loading" && document.querySelector(".tools .button")
  && [...document.querySelectorAll("[data-module]:not(:defined)")].every((e) => !near(e));
const look = () => ready() ? (window.__ready = performance.now()) : requestAnimationFrame(look);
requestAnimationFrame(look);
"""


# What is dragged in a page's picture, and pixels a move: enough that each changes something.
PULLED = {
    "learn/neuron": ("mg-neuron .net-grip", 4.0),
    "learn/surface": ("mg-surface .net-view", 6.0),
    "learn/attention": ("mg-attention-play .att-pad", 4.0),
}


def dragged(page: Any, handle: Any, from_share: float, step: float | None = None) -> list[float]:
    """The answers to 48 moves there and back, of ``step`` pixels or 1/40 of the handle's width."""
    handle.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = handle.bounding_box()
    left, middle = box["x"] + from_share * box["width"], box["y"] + box["height"] / 2
    page.mouse.move(left, middle)
    page.mouse.down()
    page.wait_for_timeout(300)
    page.evaluate("window.__answers = []")
    for at in [*range(1, 25), *range(23, -1, -1)]:
        page.mouse.move(left + at * (step or box["width"] / 40), middle)
        page.wait_for_timeout(80)
    answers: list[float] = page.evaluate("window.__answers")
    page.mouse.up()
    return answers


def one_round(
    program: object, address: str, url: str, pulled: tuple[str, float] | None, slowdown: float
) -> tuple[float, list[float], list[float]]:
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
        answers: list[float] = []
        inside: list[float] = []
        slider = page.locator("input[type=range]:visible").first
        if slider.count():
            answers = dragged(page, slider, 0.3)
        if pulled:
            handle, step = pulled
            page.locator(handle.split()[0]).first.scroll_into_view_if_needed()
            page.evaluate("window.__pulls = true")
            inside = dragged(page, page.locator(handle).first, 0.4, step)
        if wrong:
            sys.exit("\n".join(wrong))
    return ready, answers, inside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slowdown", type=float, default=4.0)
    parser.add_argument("--pages", nargs="+", help="only these")
    parser.add_argument("--save", action="store_true", help="write bench/results/guide.*")
    arguments = parser.parse_args()
    rows = []
    with served() as (program, address, site):
        for page in sitemap.read().pages.values():
            if not page.is_built or (arguments.pages and page.page not in arguments.pages):
                continue
            found = [
                one_round(program, address, page.url, PULLED.get(page.page), arguments.slowdown)
                for _ in range(arguments.rounds)
            ]
            readies = [ready for ready, *_ in found]
            drags = [statistics.median(answers) for _, answers, _ in found if answers]
            inside = [statistics.median(answers) for *_, answers in found if answers]
            rows.append(
                {
                    "page": page.page,
                    "ready": min(readies),
                    "ready_median": statistics.median(readies),
                    "drag": min(drags, default=None),
                    "drag_median": statistics.median(drags) if drags else None,
                    "drag_most": max((a for _, answers, _ in found for a in answers), default=None),
                    "picture": min(inside, default=None),
                    "bytes": checking.first_load(site, page.url),
                }
            )
    head = f"Processor slowed down {arguments.slowdown:g} times; {arguments.rounds} rounds; "
    head += f"load {load()}. Milliseconds, and compressed bytes."
    titles = "page | ready, best | median | drag, best | median | most | picture, best | first load"
    lines = [head, "", f"| {titles} |", "| --- | --: | --: | --: | --: | --: | --: | --: |"]
    for row in rows:
        keys = ("drag", "drag_median", "drag_most", "picture")
        drag = [row[key] and f"{row[key]:.1f}" for key in keys]
        lines.append(
            f"| {row['page']} | {row['ready']:.0f} | {row['ready_median']:.0f} "
            f"| {' | '.join(text or '' for text in drag)} | {row['bytes']:,} |"
        )
    if arguments.save:
        save("guide", {"slowdown": arguments.slowdown, "pages": rows}, lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()

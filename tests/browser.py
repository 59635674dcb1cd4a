"""Pages of the built guide in real Chromium, driven by Playwright; nothing else is reached.

What a page does against the rules is collected: requests to other servers, refusals of the
security policy, errors in the console.
"""

import contextlib
import functools
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import box_font
from microgpt.cli.guide_server import make_server

LIMIT = 120_000  # ms until a wait in a page gives up; it ends a hang, and times nothing
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


@contextlib.contextmanager
def serving(site: Path) -> Iterator[str]:
    """The address at which `microgpt guide` serves this site."""
    with make_server(site, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class _Quiet(SimpleHTTPRequestHandler):
    asked: list[str] | None = None

    def log_message(self, *arguments: Any) -> None:
        if self.asked is not None:
            self.asked.append(self.path)


@contextlib.contextmanager
def plain_serving(folder: Path, asked: list[str] | None = None) -> Iterator[str]:
    """The address at which Python's own server serves a folder, without our headers.

    What it is asked for is appended to ``asked``.
    """
    kind = type("_Kept", (_Quiet,), {"asked": asked})
    handler = functools.partial(kind, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


@contextlib.contextmanager
def started(kind: Any, program: str | None = None) -> Iterator[Any]:
    """A headless browser on a fresh profile; where the machine has no font, with one of boxes."""
    with box_font.where_missing() as settings:
        browser = kind.launch(
            executable_path=program or shutil.which("chromium"),
            args=list(FLAGS),
            env={**os.environ, **settings},
            timeout=LIMIT,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def chromium(playwright: Any, program: str | None = None) -> Iterator[Any]:
    """The same with a driver of its own."""
    with (
        playwright.sync_api.sync_playwright() as driver,
        started(driver.chromium, program) as browser,
    ):
        yield browser


class Kept:
    """One browser for many tests: contexts keep them apart, and starting one takes a second."""

    def __init__(self, playwright: Any, program: str) -> None:
        self.start = functools.partial(chromium, playwright, program)
        self.stack = contextlib.ExitStack()
        self.browser: Any = None

    def running(self) -> Any:
        """The browser, or a fresh one in place of one that is gone."""
        if not self._answers():
            self.close()
            self.browser = self.stack.enter_context(self.start())
        return self.browser

    def _answers(self) -> bool:
        if self.browser is None:
            return False
        try:
            self.browser.new_context().close()
        except Exception:  # the browser or its driver has ended, in whichever way
            return False
        return True

    def close(self) -> None:
        if self.browser is not None:
            with contextlib.suppress(Exception):  # one that is gone can't be closed
                self.stack.close()
            self.browser = None


def new_context(browser: Any, **options: Any) -> Any:
    """A profile of one's own, as patient as a slow and busy machine asks for."""
    context = browser.new_context(**options)
    context.set_default_timeout(LIMIT)
    context.set_default_navigation_timeout(LIMIT)
    return context


def until(page: Any, holds: Callable[[], Any], what: Callable[[], str]) -> None:
    """Waits for what Playwright has no way of its own to wait for.

    Its wait_for_function needs eval, which the pages' policy forbids.
    """
    end = time.monotonic() + LIMIT / 1000
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what()}"
        page.wait_for_timeout(20)


class Traffic:
    """What a page has asked for, and what of it hasn't come yet."""

    def __init__(self, page: Any) -> None:
        self.asked: list[str] = []
        self.awaited: dict[Any, str] = {}
        page.on("request", self._begun)
        for event in ("requestfinished", "requestfailed"):
            page.on(event, lambda made: self.awaited.pop(made, None))

    def _begun(self, made: Any) -> None:
        self.asked.append(made.url)
        if made.url.startswith("http"):
            self.awaited[made] = made.url


# Two frames are drawn, so that what watches the layout has been told; then nothing is left to do.
_DRAWN = """(patience) => Promise.race([
  new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => new Promise((done) => requestIdleCallback(done)))
    .then(() => true),
  new Promise((done) => setTimeout(done, patience, false))])"""
_FRAME = 10_000  # ms until a frame is asked for: a headless Chromium has been seen to forget one


def drawn(page: Any) -> None:
    """Waits until the page has drawn two frames more and has nothing left to do."""
    for _ in range(LIMIT // _FRAME):
        if page.evaluate(_DRAWN, _FRAME):
            return
        page.screenshot(clip={"x": 0, "y": 0, "width": 1, "height": 1})  # takes a frame to make
    raise AssertionError(f"{page.url} has drawn nothing in {LIMIT // 1000} s")


def held(page: Any) -> None:
    """Stops the clock of a page that was opened with one; ``page.clock.run_for(ms)`` moves it."""
    page.clock.pause_at((page.evaluate("Date.now()") + 60_000) / 1000)


def resized(page: Any, width: int) -> None:
    """Makes the page this wide, and waits until the figures have followed."""
    page.set_viewport_size({"width": width, "height": 900})
    drawn(page)


def settled(page: Any) -> None:
    """Waits until the page has drawn what came and asks for nothing more."""
    asked: list[int] = []

    def rests() -> bool:
        drawn(page)
        asked.append(-1 if page.traffic.awaited else len(page.traffic.asked))
        return len(asked) > 2 and asked[-1] == asked[-2] == asked[-3] != -1

    until(page, rests, lambda: f"the page comes to rest, {sorted(page.traffic.awaited.values())}")


@contextlib.contextmanager
def pages(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages, ``page = opening(address, script, **options)``; nothing may go wrong in any.

    The script runs before those of the page. With a clock, ``page.clock`` moves its timers on. The
    options are those of the page's context.
    """
    with contextlib.ExitStack() as stack:
        seen = []

        def opening(address: str, script: str = "", clock: bool = False, **options: Any) -> Any:
            options = {"viewport": {"width": 1000, "height": 900}, **options}
            page, wrong = stack.enter_context(opened(browser, **options))
            seen.append(wrong)
            if clock:
                page.clock.install()
            if script:
                page.add_init_script(script)
            page.goto(address)
            return page

        yield opening
        assert [line for wrong in seen for line in wrong] == []


@contextlib.contextmanager
def opened(browser: Any, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """A page in a context of its own, and the list of what went wrong or left the server."""
    context = new_context(browser, **options)
    page = context.new_page()
    wrong: list[str] = []

    def request(made: Any) -> None:
        if not made.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            wrong.append(f"request to {made.url}")

    def failed(made: Any) -> None:
        if made.failure != "net::ERR_ABORTED":  # left behind by going to the next page
            wrong.append(f"failed: {made.url} {made.failure}")

    def said(line: Any) -> None:
        # A driver that draws without a graphics unit tells its own speed.
        if line.type in ("error", "warning") and "GL Driver Message" not in line.text:
            wrong.append(line.text)

    page.on("request", request)
    page.on("requestfailed", failed)
    page.traffic = Traffic(page)
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", said)
    try:
        yield page, wrong
    finally:
        context.close()

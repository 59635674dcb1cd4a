"""A page of this repository in real Chromium: served here, with what it posts to /results returned.

Without a display, network or profile: Chromium runs headless on a fresh one, and the server
listens on 127.0.0.1 alone.
"""

import contextlib
import functools
import http.server
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from patience import SLOW_PATIENCE

ROOT = Path(__file__).resolve().parent.parent
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def __init__(self, posted: "queue.Queue[Any]", *args: Any, **options: Any) -> None:
        self.posted = posted
        super().__init__(*args, **options)

    def end_headers(self) -> None:
        # A page that shares nothing with others gets a clock of 5 µs instead of 100.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self.posted.put(json.loads(body))

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def served() -> Iterator[tuple[str, "queue.Queue[Any]"]]:
    """The repository under an address, and the queue of what is posted there."""
    posted: queue.Queue[Any] = queue.Queue()
    handler = functools.partial(_Handler, posted, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", posted
        finally:
            server.shutdown()


def run_page(chromium: str, page: str, timeout: float = SLOW_PATIENCE) -> Any:
    """What the page posts."""
    with (
        served() as (address, posted),
        tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile,
    ):
        browser = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={profile}", address + page],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile},
            start_new_session=True,
        )
        try:
            return posted.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"{page} has posted nothing in {timeout} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)  # the session begun above, nothing else
            browser.wait()

"""The JavaScript tests, and so the kernel, in real Chromium."""

from collections.abc import Callable

import pytest

from chromium_runner import run_page


@pytest.mark.slow
def test_in_chromium(require_program: Callable[[str], str]) -> None:
    results = run_page(require_program("chromium"), "guide/js/test/chromium.html")
    failed = [f"{r['name']}: {r['error']}" for r in results if r["error"]]
    assert not failed, "\n".join(failed)
    assert len(results) > 25

"""The guide's numbers engine and its training Worker in real Chromium; in Node: test_wasm.py."""

from collections.abc import Callable

import pytest

from chromium_runner import run_page


@pytest.mark.slow
def test_numbers_in_chromium(require_program: Callable[[str], str]) -> None:
    results = run_page(require_program("chromium"), "guide/js/test/numbers.html")
    failed = [f"{r['name']}: {r['error']}" for r in results if r["error"]]
    assert not failed, "\n".join(failed)
    assert len(results) > 20

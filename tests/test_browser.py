"""The browser that all tests share."""

import contextlib
from typing import Any

import pytest


@pytest.mark.slow
def test_a_browser_that_crashed_is_replaced(kept_chromium: Any) -> None:
    first = kept_chromium.running()
    assert kept_chromium.running() is first
    session = first.new_browser_cdp_session()
    with contextlib.suppress(Exception):  # the answer to this doesn't come any more
        session.send("Browser.crash")
    second = kept_chromium.running()
    assert second is not first
    page = second.new_page()
    assert page.evaluate("6 * 7") == 42
    page.context.close()

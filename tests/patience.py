"""How long tests wait for what must happen: until it does.

No test depends on how fast the machine is. A deadline is there only to end what hangs, with words
that say what was waited for; who can wait for something visible does so with ``until``.
"""

import time
from collections.abc import Callable

PATIENCE = 200  # seconds; an idle machine needs less than a tenth of that for anything in here
SLOW_PATIENCE = 1500  # for what takes minutes there


def until(true: Callable[[], object], what: str, going: Callable[[], bool] = lambda: True) -> None:
    """Return once ``true`` is; fail where that takes for ever, or can't come any more.

    ``what`` is waited for, in words. ``going``: whether it can still come.
    """
    deadline = time.monotonic() + PATIENCE
    while not true():
        still = going()
        if not still and true():  # it came, and then what brought it ended
            return
        assert still, f"ended before {what}"
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.002)

"""Being asked to stop while a run trains: by Ctrl-C, by ``kill``, by a terminal that closes.

The first request is answered at once and obeyed as soon as everything can be saved; a second one
ends at once. Python hears of a signal only between two of its own instructions, and a single step
of a large model may compute for minutes within one. So a thread listens as well, and speaks, or
ends the process, where the main thread can't.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from microgpt.errors import Interrupted

_PATIENCE = 0.4  # seconds that the main thread has to answer by itself
_SIGNALS = [
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if (number := getattr(signal, name, None)) is not None
]

# What the others do once one was heard. A terminal that closes may send SIGHUP twice, by itself
# and by its shell: the second one must not cut off the saving that the first one began, not even
# where it comes before it could be set to be ignored.
_AFTERWARDS = {"SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_IGN}
_NEVER_SECOND = getattr(signal, "SIGHUP", None)


class Stop:
    """Whether a stop was asked for: call it to find out.

    ``working`` False: there is nothing to save yet, and the first request raises
    ``KeyboardInterrupt`` wherever the main thread is. True: it is only noted, and the second one
    raises. ``slow``: called by the listening thread where the first request isn't answered within
    half a second. ``last_words``: called before that thread ends the process because the main
    thread can't.
    """

    def __init__(self) -> None:
        self.asked = False
        self.working = False
        self.slow: Callable[[], None] = lambda: None
        self.last_words: Callable[[], object] = lambda: None
        self._answered = threading.Event()
        self._left = threading.Event()
        self._caught: set[int] = set()

    def __call__(self) -> bool:
        """Whether a stop was asked for; saying so is an answer."""
        if self.asked:
            self._answered.set()
        return self.asked

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        if again and number == _NEVER_SECOND:
            return
        for name, kind in _AFTERWARDS.items():
            if (caught := getattr(signal, name, None)) is not None and caught in self._caught:
                signal.signal(caught, kind)
        if again or not self.working:
            self._answered.set()
            raise KeyboardInterrupt

    def _listen(self, ear: int) -> None:
        """Read one byte for each signal, until the other end closes."""
        heard = 0
        while byte := os.read(ear, 1):
            if byte[0] not in _SIGNALS or (heard and byte[0] == _NEVER_SECOND):
                continue
            heard += 1
            if heard == 1 and self.working:
                if not self._answered.wait(_PATIENCE) and not self._left.is_set():
                    self.slow()
            elif not self._left.wait(_PATIENCE):
                self.last_words()
                with contextlib.suppress(OSError, ValueError):
                    sys.stdout.flush()
                os._exit(Interrupted.exit_code)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Inside, signals that ask to stop are heard by the ``Stop`` that this gives.

    One that the caller has set to be ignored (``nohup``) stays ignored. Outside the main thread,
    where Python allows no handlers, nothing is heard.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before: dict[int, Any] = {
        number: handler
        for number in _SIGNALS
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN
    }
    ear, mouth = os.pipe()  # not a pair of sockets, whose module takes a while to load
    if sys.platform != "win32":  # where a pipe can't be told to, and is emptied at once
        os.set_blocking(mouth, False)
    old = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    thread = threading.Thread(target=stop._listen, args=(ear,), daemon=True)
    thread.start()
    try:
        stop._caught.update(before)
        for number in before:
            signal.signal(number, stop._ask)
        yield stop
    finally:
        stop._left.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old)
        os.close(mouth)
        thread.join()
        os.close(ear)

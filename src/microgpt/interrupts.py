"""Ctrl-C at any moment: it is neither lost nor shown as a traceback.

Python answers Ctrl-C with ``KeyboardInterrupt``, wherever it happens to be. While modules load,
part of the work is done in callbacks whose exceptions are forgotten, with or without a traceback on
the screen: ``hold`` lets Ctrl-C wait until ``release``. Elsewhere such a callback gives it back
(``never_lost``). While line editing reads, it is a key like any other (``as_key``).
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_waiting = False


def _note(_number: int, _frame: FrameType | None) -> None:
    global _waiting
    _waiting = True


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """What one more Ctrl-C does while the process ends."""


def _raises() -> bool:
    """Whether Ctrl-C raises here; where it is ignored or has another meaning, it keeps that."""
    here = threading.current_thread() is threading.main_thread()
    return here and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _give_back(what: UnraisableHookArgs) -> None:
    """Raise Ctrl-C again where a callback has lost it, in the code that runs after it."""
    if isinstance(what.exc_value, KeyboardInterrupt):
        sys.setprofile(_raise_after)
    else:
        sys.__unraisablehook__(what)


def _raise_after(frame: FrameType, _event: str, _arg: object) -> None:
    """Raised in ``_give_back`` itself it would be lost once more."""
    if frame.f_code is not _give_back.__code__:
        sys.setprofile(None)
        raise KeyboardInterrupt


def never_lost() -> None:
    """From now on Ctrl-C within a callback that forgets exceptions comes right after it."""
    sys.unraisablehook = _give_back


def hold() -> None:
    """From now on Ctrl-C waits."""
    if _raises():
        signal.signal(signal.SIGINT, _note)


def release() -> None:
    """End ``hold``, if there was one; raises ``KeyboardInterrupt`` if Ctrl-C has waited."""
    if signal.getsignal(signal.SIGINT) is _note:
        signal.signal(signal.SIGINT, _nothing if _waiting else signal.default_int_handler)
        if _waiting:
            raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[None]:
    """Inside, Ctrl-C waits; it is raised at the end."""
    hold()
    try:
        yield
    finally:
        release()


def drop() -> None:
    """From now on Ctrl-C changes nothing: the command has ended, the process will in a moment.

    Its exit code stays: Python remembers a Ctrl-C that left an ``exec`` of text (every dataclass is
    made by one), and would kill itself at its end, whether the Ctrl-C was answered or not. The next
    ``exec`` forgets it.
    """
    if _raises():
        signal.signal(signal.SIGINT, _nothing)
    exec("")


@contextmanager
def as_key() -> Iterator[None]:
    """Inside, Ctrl-C ends the input of ``input()``, as Ctrl-D does on an empty line.

    A signal that comes a moment before line editing waits for a key is noticed only with the next
    key, and it throws away what was typed before it. A key keeps its place among the others.
    Without GNU readline or a terminal Ctrl-C stays a signal.
    """
    try:
        import readline
        import termios

        if "GNU" not in (readline.__doc__ or ""):
            raise ImportError  # libedit, which has another syntax for binding keys
        if not sys.stdout.isatty():
            raise OSError  # then input() doesn't edit lines
        terminal = sys.stdin.fileno()
        settings = termios.tcgetattr(terminal)
    except (ImportError, OSError, ValueError, AttributeError, termios.error):
        yield
        return
    before = settings[6][termios.VINTR]
    settings[6][termios.VINTR] = b"\0"  # no key
    readline.parse_and_bind("set editing-mode emacs")  # whose keys these are
    readline.parse_and_bind(r'"\C-x\C-k": kill-whole-line')
    readline.parse_and_bind(r'"\C-c": "\C-x\C-k\C-d"')
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    try:
        yield
    finally:
        settings[6][termios.VINTR] = before
        termios.tcsetattr(terminal, termios.TCSANOW, settings)

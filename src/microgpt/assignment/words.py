"""What a submission's process says of itself, put into words that are ours.

A bot has seen the hidden requests by the time that it raises an exception or replaces a function,
and it chooses the names of both. So nothing that it wrote is ever repeated: what it says is looked
up among Python's own names, and what isn't there gets a fixed phrase.
"""

from __future__ import annotations

import builtins
import importlib
import keyword
import re
import sys
from collections import Counter
from collections.abc import Iterable

OWN_EXCEPTION = "an exception of its own"
OTHER_EXCEPTIONS = "other exceptions"
NO_ANSWER = "its process gave no answer"

# The modules that the runner watches. No other is imported here for a name that a stranger gave.
_WATCHED = ("builtins", "random", "json", "math", "sys", "os", "time", "re", "string", "io")
_MOST_KINDS = 3  # of exceptions: which of sixty were raised would be sixty bits
_MOST_NAMES = 8  # of functions that were replaced
_QUOTED = re.compile(r"'([^']*)'")


def exception_name(text: str) -> str:
    """The exception in ``Name: message``, if Python has it; else a fixed phrase."""
    name = text.partition(":")[0].strip()
    known = getattr(builtins, name, None) if name.isidentifier() else None
    if isinstance(known, type) and issubclass(known, BaseException) and known.__name__ == name:
        return name
    return OWN_EXCEPTION


def count_exception(kinds: Counter[str], text: str) -> None:
    """Count an exception by its name; after the first few kinds all others are one."""
    name = exception_name(text)
    if name not in kinds and len(kinds) >= _MOST_KINDS:
        name = OTHER_EXCEPTIONS
    kinds[name] += 1


def library_name(text: str) -> str:
    """``module.name``, if our own module of that name has it; else a fixed phrase."""
    module, dot, name = text.partition(".")
    if module not in _WATCHED:
        known = module.isascii() and module in sys.stdlib_module_names
        return module if known else "another module"
    if not dot:
        return module
    if name.isidentifier() and hasattr(importlib.import_module(module), name):
        return text
    return f"{module} (a name that it doesn't have)"


def replaced(before: Iterable[str], after: Iterable[str] = ()) -> list[str]:
    """What was replaced in the library, by name as far as it was so ``before`` any question.

    What a bot replaces ``after`` it has seen questions may stand for these: that it did is said,
    and not what.
    """
    first = list(dict.fromkeys(before))
    names = list(dict.fromkeys(library_name(name) for name in first))
    told = names[:_MOST_NAMES]
    if len(names) > len(told):
        told.append("more")
    if set(after) - set(first):
        told.append("something else while it answered")
    return told


def load_error(text: str, source: bytes) -> str:
    """Why a file can't be loaded: Python's name for it and the line, or an empty string.

    ``text``: ``Name: message``, perhaps with ``(line 12)`` at its end, as the runner says.
    """
    if not text:
        return ""
    if text.startswith(("no answer", "it gave no facts")):
        return NO_ANSWER
    match = re.search(r"\(line ([0-9]{1,7})\)$", text)
    line = int(match[1]) if match else 0
    within = 1 <= line <= source.count(b"\n") + 1
    return exception_name(text) + (f" on line {line}" if within else "")


def syntax_error(text: str) -> str:
    """What Python's parser says, without words that it quotes from the file."""
    text = re.sub(r"(unknown encoding|encoding problem|repeated): .*", r"\1", text)
    return _QUOTED.sub(lambda match: match[0] if _of_python(match[1]) else "'…'", text)


def _of_python(word: str) -> bool:
    return keyword.iskeyword(word) or not any(char.isalnum() for char in word)


def _demo() -> None:
    for text in ("ValueError: lemon", "lemon: 3", "random.choices", "random.lemon", "lemon.x"):
        print(f"{text:<18} {exception_name(text):<26} {library_name(text)}")


if __name__ == "__main__":
    _demo()

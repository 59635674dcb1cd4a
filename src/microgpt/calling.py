"""Commands as messages print them: in words that work for this user, quoted for the shell.

Whoever called ``.venv/bin/microgpt`` or ``python3 -m microgpt`` reads these words again in every
command that is suggested; whoever uses the package from Python reads ``microgpt``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_called: str | None = None


def called_as(program: str) -> None:
    """Note how this process was called: ``sys.argv[0]``."""
    global _called
    _called = program


def command(*words: object) -> str:
    """A microgpt command for the user to type, such as ``microgpt train --resume 'my run'``.

    ``words``: what comes after the program's name; a ``Path`` that begins with a hyphen gets
    ``./`` before it, so that it isn't taken for a flag.
    """
    return quoted(*_program(), *words)


def python(*words: object) -> str:
    """The same for the Python that runs this: ``python3 -m pip`` and so on, from any directory."""
    return quoted(_name_on_path(sys.executable) or sys.executable or "python3", *words)


def quoted(*words: object) -> str:
    """Words as the shell of this system takes them."""
    texts = [
        os.path.join(".", word) if isinstance(word, Path) and str(word)[0] == "-" else str(word)  # noqa: PTH118 - Path would drop the dot
        for word in words
    ]
    if sys.platform == "win32":
        import subprocess

        return subprocess.list2cmdline(texts)
    import shlex  # loaded only where a command is shown

    return shlex.join(texts)


def _program() -> list[str]:
    if _called is None:
        return ["microgpt"]
    if Path(_called).name == "__main__.py":
        return [_reachable(sys.executable), "-m", "microgpt"]
    return [_reachable(_called)]


def _reachable(program: str) -> str:
    """The shortest words for a program: its name, a path from here, or the whole path."""
    if name := _name_on_path(program):
        return name
    whole = os.path.abspath(program)  # noqa: PTH100 - without following links: a venv's are links
    below = f"{Path.cwd()}{os.sep}"
    if not whole.startswith(below):
        return whole
    short = whole.removeprefix(below)
    return short if os.sep in short else os.path.join(".", short)  # noqa: PTH118


def _name_on_path(program: str) -> str | None:
    """The program's name, if that alone calls it.

    On Windows a program may be called without its .exe. The file itself isn't compared: the Python
    of a virtual environment is a link to one that knows less.
    """
    import shutil

    name = Path(program).name
    found = shutil.which(name)
    if not found:
        return None
    here, there = (
        (os.path.realpath(path.parent), os.path.normcase(path.name).removesuffix(".exe"))
        for path in (Path(os.path.abspath(program)), Path(os.path.abspath(found)))  # noqa: PTH100
    )
    if here == there or _same_script(program, found):
        return name.removesuffix(".exe")
    return None


def _same_script(program: str, found: str) -> bool:
    """Whether both are one file with a first line that names its Python, wherever links to it lie.

    Installers put such links on the path.
    """
    try:
        with open(found, "rb") as file:  # noqa: PTH123
            return file.read(2) == b"#!" and os.path.samefile(program, found)  # noqa: PTH121
    except OSError:
        return False


def _demo() -> None:
    print(command("train", "--resume", Path("my run")))
    print(command("inspect", Path("-odd"), "--html", Path("it's.html")))
    print(python("-m", "microgpt.calling"))


if __name__ == "__main__":
    _demo()

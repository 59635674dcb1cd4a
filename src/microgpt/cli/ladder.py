"""``microgpt ladder``: the ten standalone programs, from counting to the whole GPT in PyTorch."""

from __future__ import annotations

import ast
import difflib
import gc
import os
import runpy
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from microgpt.calling import command, python, quoted
from microgpt.data import bundled
from microgpt.errors import FileError, InputError, MissingError

RUNGS = range(10)
# What a rung may import beside the standard library.
LIBRARIES = {"numpy": "NumPy", "torch": "PyTorch"}


def ladder(
    rung: Annotated[
        int | None, Parameter(help="Which rung, 0 to 9; without it, they are listed.")
    ] = None,
    /,
    *arguments: Annotated[
        str, Parameter(help="Passed on to the rung: its data file.", allow_leading_hyphen=True)
    ],
    early: Annotated[
        bool, Parameter(help="Rung 5 with the settings of the early preset.", negative="")
    ] = False,
    diff: Annotated[bool, Parameter(help="Show what the rung changes.", negative="")] = False,
    copy: Annotated[
        Path | None, Parameter(help="Write the rung and input.txt into this directory.")
    ] = None,
) -> None:
    """List the ten rungs, run one, show what it changes, or copy it to work on it.

    Each is a whole program. The first six use only the standard library, and rung n of them is
    chapter n of the guide; 6 to 8 need NumPy, and 9 needs PyTorch.
    """
    if rung is None:
        options = ["--early"] * early + ["--diff"] * diff + ["--copy", copy] * (copy is not None)
        if options:
            raise InputError(
                f"{options[0]} needs the number of a rung, {5 if early else '0 to 9'}.",
                f"For example: {command('ladder', 5, *options)}",
            )
        _list()
        return
    if rung not in RUNGS:
        raise InputError(
            f"There is no rung {rung}, only 0 to 9.", f"List them with: {command('ladder')}"
        )
    if early and rung != 5:
        raise InputError(
            f"Rung {rung} has no early settings, only rung 5 has.",
            f"Run it with: {command('ladder', 5, '--early')}",
        )
    if any(word.startswith("--preset") for word in arguments):
        raise InputError(
            "The rungs no longer have --preset: the early settings are a separate program.",
            f"Run it with: {command('ladder', 5, '--early')}",
        )
    path = _path("5_early" if early else rung)
    if diff:
        if rung == 0:
            raise InputError(
                "Rung 0 is the first: it changes nothing.", "Use --diff with rungs 1 to 9."
            )
        _diff(_path(5 if early else rung - 1), path)
    elif copy is not None:
        _copy(path, copy)
    else:
        library = _library(path)
        if library and find_spec(library) is None:
            raise MissingError(
                f"Rung {rung} needs {LIBRARIES[library]}, which isn't installed.",
                f"Install it: {python('-m', 'pip', 'install', library)}",
            )
        _run(path, arguments)


def _path(rung: int | str) -> Path:
    return bundled(f"ladder/train{rung}.py")


def _library(path: Path) -> str | None:
    """What a rung imports that Python doesn't bring, as its modules are named."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import) and node.names[0].name in LIBRARIES:
            return node.names[0].name
    return None


def _run(path: Path, arguments: Sequence[str]) -> None:
    """Run the program as if it had been called itself, but with messages for Ctrl-C and errors."""
    gc.freeze()  # so that the program's collections skip what this command has loaded
    before = sys.argv
    sys.argv = [str(path), *arguments]
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before


def _list() -> None:
    before: str | None = ""
    for rung in RUNGS:
        path = _path(rung)
        library = _library(path)
        if library != before:
            before = library
            name = LIBRARIES[library] if library else "Python alone"
            missing = library is not None and find_spec(library) is None
            print(f"with {name}, which isn't installed:" if missing else f"with {name}:")
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        print(f"  {doc.splitlines()[0]}")
    print()
    print("run one:           ", command("ladder", 0))
    print("what it changes:   ", command("ladder", 1, "--diff"))
    print("other settings:    ", command("ladder", 5, "--early"))
    print("copy to work on:   ", command("ladder", 5, "--copy", "my-gpt"))


def _diff(earlier: Path, later: Path) -> None:
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (earlier, later))
    print(f"--- {earlier.name}")
    print(f"+++ {later.name}")
    # Indentation is ignored in the comparison, or a loop put around a block would hide the rest.
    matcher = difflib.SequenceMatcher(
        None, [line.strip() for line in before], [line.strip() for line in after], autojunk=False
    )
    for group in matcher.get_grouped_opcodes(3):
        print(_shade("@", f"@@ line {group[0][3] + 1} @@"))
        for what, a, b, c, d in group:
            if what == "equal":
                print("\n".join(f" {line}".rstrip() for line in after[c:d]))
                continue
            for line in before[a:b]:
                print(_shade("-", f"-{line}"))
            for line in after[c:d]:
                print(_shade("+", f"+{line}"))


def _shade(kind: str, line: str) -> str:
    """The line in its colour on a terminal, unchanged elsewhere."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return line
    colour = {"+": 32, "-": 31, "@": 36}[kind]
    return f"\033[{colour}m{line}\033[0m"


def _copy(path: Path, folder: Path) -> None:
    targets = {
        folder / path.name: path,
        folder / "input.txt": bundled("data/names.txt"),
    }
    for target in targets:
        if target.exists():
            raise FileError(f"{target} already exists.", "Name another directory for --copy.")
    folder.mkdir(parents=True, exist_ok=True)
    for target, source in targets.items():
        shutil.copyfile(source, target)
    for target in targets:
        print(f"wrote {target}")
    print(f"run it: {quoted('cd', folder)} && {python(path.name)}")

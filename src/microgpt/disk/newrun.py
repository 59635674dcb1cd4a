"""Where a new run may begin: a directory that is new, empty, or what a killed start left."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from microgpt import files
from microgpt.errors import FileError

KEPT = "data.txt"
"""The run's own copy of data that can't be read again."""


def check_vacant(path: Path, names: Iterable[str]) -> None:
    """Raise ``FileError`` if a directory that holds ``names`` is no place for a new run.

    ``data.txt`` by itself may be anyone's; beside the lock it is ours, since that is made first.
    """
    names = set(names)
    if "run.json" in names:
        raise FileError(
            f"{path} already holds a run.",
            f"Continue it with --resume {path}, or choose another --out.",
        )
    ours = {"vocab.json", ".lock", *([KEPT] if ".lock" in names else [])}
    other = [n for n in names - ours if not n.startswith(files.TEMPORARY)]
    if other:
        raise FileError(
            f"{path} is not empty: it holds {files.shown(min(other))}"
            + (f" and {len(other) - 1} more." if len(other) > 1 else "."),
            "Choose another --out.",
        )


def next_directory(folder: Path, stem: str) -> Path:
    """Make ``folder/stem-n``, n one above all those there; no two processes get the same.

    Raises ``FileError``.
    """
    files.make_directories(folder)
    known = re.compile(re.escape(stem) + r"-(\d{1,18})")
    try:
        names = os.listdir(folder)  # noqa: PTH208
        number = max((int(m[1]) for name in names if (m := known.fullmatch(name))), default=0)
        while True:
            number += 1
            path = folder / f"{stem}-{number}"
            try:
                path.mkdir()
            except FileExistsError:  # another process was quicker
                continue
            files.sync_directory(folder)
            return path
    except (OSError, ValueError) as error:
        raise files.file_error(error, folder / stem, "make the directory") from error

"""Where a new run may begin: a directory that is new, empty, or what a killed start left."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.disk.originals import Stored
from microgpt.disk.snapshot import FORMAT, RUN, TOKENIZER, VOCAB, sha256
from microgpt.errors import FileError

KEPT = "data.txt"
"""The run's own copy of data that can't be read again."""

PARTS = frozenset((KEPT, VOCAB, TOKENIZER))
"""What may be written before run.json."""


def prepare(
    run: dict[str, Any], vocab: dict[str, Any] | Stored, kept: bytes | None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What run.json says of a new run, and its first files, to be written in this order.

    ``run`` holds at least ``config`` (the fields of ``Config``). ``vocab``: the content of
    vocab.json, or the name and bytes of the tokenizer's file; of a tokenizer.json run.json records
    the SHA-256 under ``tokenizer``. ``kept``: the data, where it can't be read again (a pipe): it
    becomes data.txt, and run.json records its length and SHA-256 as ``kept``.
    """
    facts = {**{"format": FORMAT}, **run, "format": FORMAT}
    parts = {}
    if kept is not None:
        parts[KEPT] = kept
        facts["kept"] = {"file": KEPT, "bytes": len(kept), "sha256": sha256(kept)}
    if isinstance(vocab, dict):
        vocab = (VOCAB, f"{files.dump_json(vocab)}\n".encode())
    name, words = vocab
    parts[name] = words
    if name != VOCAB:
        said = {"file": name, "sha256": sha256(words)}
        facts["tokenizer"] = {**facts.get("tokenizer", {}), **said}
    parts[RUN] = f"{files.dump_json(facts, indent=2)}\n".encode()
    return facts, parts


def check_vacant(path: Path, names: Iterable[str]) -> None:
    """Raise ``FileError`` if a directory that holds ``names`` is no place for a new run.

    ``data.txt`` and ``tokenizer.json`` by themselves may be anyone's; beside the lock they are
    ours, since that is made first.
    """
    names = set(names)
    if RUN in names:
        raise FileError(
            f"{path} already holds a run.",
            f"Continue it with --resume {path}, or choose another --out.",
        )
    ours = {VOCAB, ".lock", *([KEPT, TOKENIZER] if ".lock" in names else [])}
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

"""run.json and the tokenizer's file, which never change, with copies in every step directory.

The tokenizer's file is vocab.json, or tokenizer.json where run.json says so, which then has its
SHA-256 too. A snapshot records the SHA-256 of both in its state.json, so it can tell whether the
run's own file is still what it was, and whether its copy is. The run's own file is used as long as
one snapshot vouches for it, or none can tell; else the copy in the newest snapshot that has a good
one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microgpt import files
from microgpt.config import Config
from microgpt.disk import snapshot
from microgpt.disk.snapshot import LIMITS, RESTORE, TOKENIZER, VOCAB, WORDS
from microgpt.errors import CheckpointError, FileError, InputError

Stored = tuple[str, bytes]
"""The name and content of a tokenizer's file."""


@dataclass
class Original:
    """The content of run.json or of the tokenizer's file.

    ``step``: the step directory whose copy it is, None if it is the run's own file. ``wrong``:
    what is wrong with that one then. ``mended``: whether the copy was put back.
    """

    data: bytes
    step: str | None = None
    wrong: str = ""
    mended: bool = False

    def notice(self, name: str) -> str | None:
        """The line that says so, if a copy is used for the file ``name``."""
        if self.step is None:
            return None
        back = " and was put back" if self.mended else ""
        return f"{name} {self.wrong}: the copy in {self.step} is used{back}."


@dataclass(frozen=True)
class Witness:
    """A snapshot whose state.json is whole: its directory's name, and the digests it records."""

    step: str
    digests: dict[str, str]


def witnesses(folder: Path) -> list[Witness]:
    """The snapshots in ``folder`` that can say what the originals were, the newest first.

    Only state.json is read. What can't be read says nothing here: ``load`` will name it.
    """
    found = []
    try:
        names = snapshot.step_names(os.listdir(folder))  # noqa: PTH208
    except (OSError, ValueError):
        return []
    for name in names:
        try:
            digests = snapshot.read_state(folder / name)["sha256"]
        except FileError:
            continue
        found.append(Witness(name, digests))
    return found


def words_of(run: dict[str, Any], where: Path) -> tuple[str, str | None]:
    """The name of the tokenizer's file, and its SHA-256 where run.json has it.

    Raises ``CheckpointError`` for a name that isn't known.
    """
    said = run.get("tokenizer", {})
    said = said if isinstance(said, dict) else {"file": said}
    name, digest = said.get("file", VOCAB), said.get("sha256")
    if name not in WORDS or not isinstance(digest, str | None):
        raise CheckpointError(
            f"{where}: tokenizer.file is {files.shown(name)}, must be {' or '.join(WORDS)}.",
            "Update microgpt, or restore the file from a copy.",
        )
    return name, digest


def words_among(names: Sequence[str], seen: Sequence[Witness]) -> str:
    """The name of the tokenizer's file where run.json can't say it."""
    recorded = {name for witness in seen for name in witness.digests}
    return TOKENIZER if TOKENIZER in (recorded or names) else VOCAB


def read(folder: Path, name: str, seen: Sequence[Witness], digest: str | None = None) -> Original:
    """The original ``name``, from its own file or from a copy.

    ``digest``: the SHA-256 that it must have, where run.json says so. Raises what reading its own
    file raised if no copy is good either: ``FileError``, or ``CheckpointError`` if it is too large.
    If it can be read but is none of what the snapshots recorded and no copy is good, it comes back
    as it is.
    """
    problem = None
    data = b""
    try:
        data = files.read_bytes(folder / name, LIMITS[name])
    except FileError as error:
        if not is_damage(error):
            raise
        problem = error
    found = snapshot.sha256(data)
    known = [w.digests.get(name) for w in seen] if digest is None else [digest]
    if problem is None and (not known or found in known):
        return Original(data)
    for witness in seen:
        if digest not in (None, witness.digests.get(name)):
            continue
        if (copy := good_copy(folder, name, witness)) is not None:
            missing = problem is not None and files.errno_of(problem) == errno.ENOENT
            return Original(copy, witness.step, "is missing" if missing else "is damaged")
    if problem is not None:
        raise problem
    return Original(data)


def good_copy(folder: Path, name: str, witness: Witness) -> bytes | None:
    """The copy of ``name`` in a step directory if it is what that snapshot recorded, else None."""
    try:
        copy = files.read_bytes(folder / witness.step / name, LIMITS[name])
    except FileError:  # an older microgpt wrote none
        return None
    return copy if snapshot.sha256(copy) == witness.digests.get(name) else None


def named_in(folder: Path, name: str) -> tuple[str | None, list[str]]:
    """The step directory that the file ``latest`` or ``best`` names, or None and a notice.

    Raises ``FileError`` if it may not be read.
    """
    try:
        text = files.read_bytes(folder / name, 4096).decode("ascii").strip()
    except FileError as error:
        missing = files.errno_of(error) == errno.ENOENT
        if not missing and not isinstance(error, CheckpointError):
            raise
        return None, [f"`{name}` is missing." if missing else f"`{name}` is damaged."]
    except UnicodeDecodeError:
        return None, [f"`{name}` is damaged."]
    if not snapshot.NAME.fullmatch(text):
        return None, [f"`{name}` is damaged."]
    return text, []


def is_damage(error: FileError) -> bool:
    """Whether the file itself is at fault, and not our permission to read it."""
    number = files.errno_of(error)
    return number in snapshot.DAMAGE or number is None


def config_of(run: dict[str, Any], where: Path) -> Config:
    """The run's configuration. Raises ``CheckpointError`` that names the key that doesn't fit."""
    values = run.get("config")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} has no object named config.", RESTORE)
    unknown = sorted(set(values) - set(Config.__dataclass_fields__))
    if unknown:
        raise CheckpointError(
            f"{where}: config has the unknown key {files.shown(unknown[0])}.",
            "Update microgpt, or use the version that wrote the run.",
        )
    try:
        return Config(**values)
    except InputError as error:
        raise CheckpointError(f"{where}: {error.message}", error.remedy or RESTORE) from error

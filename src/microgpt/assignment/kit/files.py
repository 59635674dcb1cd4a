"""What a student is given: the template, the model, tests and pages, in a folder or a zip.

``data/kit/`` holds the standard kit, ready to be read and run. A student's own differs from it in
what ``kit/variants.py`` draws, and in a manifest, ``kit.json``, by which an untouched kit is known
again: a folder with anybody's work in it is never overwritten.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from microgpt import __version__
from microgpt.assignment.kit.variants import Variant, folder_name, folder_names, policy, variant
from microgpt.data import bundled
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.files import (
    TEMPORARY,
    file_error,
    parse_json,
    read_bytes,
    sync_directory,
    write_synced,
)

KIT = "data/kit"
TEACHER = "data/teacher"
MANIFEST = "kit.json"
FILES = ("README.md", "bot.py", "policy.md", "test_bot.py")
"""The files of ``data/kit``; ``model.json`` and the manifest come with them."""
TEACHER_FILES = ("README.md", "solution.py")

_LIMIT = 64 * 2**20  # bytes of a file that could be a kit's


@dataclass(frozen=True)
class Made:
    """A kit that was written to ``path``; ``how``: "new", "renewed" or "as it was"."""

    path: Path
    student: str | None
    how: str


# ---------------------------------------------------------------- its files


def kit_files(
    student: str | None = None, key: bytes | None = None, category: str = "fruits"
) -> dict[str, bytes]:
    """The files of a kit by name; the same student, key and category give the same bytes.

    Raises ``InputError`` for an id that can't be the name of a folder, a category that isn't
    there, and a student without a key or a key without a student.
    """
    if (student is None) != (key is None):
        raise InputError(
            "A kit of a student's own needs both the student and the key.",
            "Give --student and --key, or neither for the standard kit.",
        )
    if student is not None:
        folder_name(student)
    policy(category)
    files = {name: _lines(bundled(f"{KIT}/{name}").read_bytes()) for name in FILES}
    files["model.json"] = bundled("data/model.json").read_bytes()
    if student is not None:
        standard, own = variant(None, None, category), variant(student, key, category)
        files["README.md"] = _replaced(
            files["README.md"],
            {
                "This kit: `standard`.": f"This kit: `{student}`.",
                f"> {_named(standard)}\n": f"> {_named(own)}\n",
            },
        )
        files["test_bot.py"] = _replaced(
            files["test_bot.py"],
            {
                f"SEED = {standard.test_seed}\n": f"SEED = {own.test_seed}\n",
                f'"{" ".join(standard.prefixes)}"': f'"{" ".join(own.prefixes)}"',
            },
        )
    manifest = {
        "format": "microgpt-kit-v1",
        "version": __version__,
        "student": student,
        "category": category,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    files[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
    return dict(sorted(files.items()))


def teacher_files() -> dict[str, bytes]:
    """What a teacher needs besides: the page with the answer key, and a solution that runs."""
    files = {name: _lines(bundled(f"{TEACHER}/{name}").read_bytes()) for name in TEACHER_FILES}
    files["model.json"] = bundled("data/model.json").read_bytes()
    return files


def kit_zip(
    student: str | None = None, key: bytes | None = None, category: str = "fruits"
) -> bytes:
    """The same as a zip with one folder in it, byte for byte reproducible."""
    folder = f"assignment-{student}" if student else "assignment"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in kit_files(student, key, category).items():
            info = zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # Unix, whatever this is
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_STORED  # zlib's versions differ in their output
            archive.writestr(info, content)
    return data.getvalue()


def _named(variant: Variant) -> str:
    return ", ".join(variant.words_named)


def _lines(data: bytes) -> bytes:
    """With LF at line ends, as a checkout on Windows may not have them."""
    return data.replace(b"\r\n", b"\n")


def _replaced(data: bytes, changes: dict[str, str]) -> bytes:
    text = data.decode()
    for old, new in changes.items():
        assert text.count(old) == 1, f"the kit must hold this once: {old}"
        text = text.replace(old, new)
    return text.encode()


# ---------------------------------------------------------------- to disk


def make_kit(
    out: Path, student: str | None = None, key: bytes | None = None, category: str = "fruits"
) -> Made:
    """Write a kit to the folder ``out``, whole or not at all.

    An empty folder is filled, an untouched kit is renewed. Raises ``FileError`` for a folder with
    anything else in it and for what the disk says, ``InputError`` as ``kit_files`` does.
    """
    how = write_folder(out, kit_files(student, key, category))
    return Made(out, student, how)


def make_kits(
    students: Iterable[str], out: Path, key: bytes, category: str = "fruits"
) -> Iterator[Made]:
    """A kit for each student, in folders of ``out`` with their ids as names.

    All ids and folders are looked at before anything is written. Can be called again after an
    interruption: finished kits stay as they are. Raises as ``make_kit``.
    """
    names = folder_names(students)
    policy(category)
    for name in names:
        _what_is_there(out / name)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, out, "write") from error
    for name in names:
        yield make_kit(out / name, name, key, category)


def write_folder(out: Path, files: dict[str, bytes]) -> str:
    """Write a folder whole or not at all; returns "new", "renewed" or "as it was".

    It is filled under a temporary name beside ``out`` and takes the name at the end.
    """
    there = _what_is_there(out)
    if there == files:
        return "as it was"
    temporary = None
    try:
        target = out.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{TEMPORARY}{target.name[:100]}-{secrets.token_hex(6)}")
        temporary.mkdir()
        for name, content in files.items():
            write_synced(temporary / name, content)
        sync_directory(temporary)
        _swap(temporary, target)
        sync_directory(target.parent)
    except (OSError, ValueError) as error:
        raise file_error(error, out, "write") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return "renewed" if there else "new"


def _swap(new: Path, target: Path) -> None:
    """Give ``new`` the name of ``target``; what was there goes, or stays if that fails."""
    if not target.exists():
        new.rename(target)
        return
    old = new.with_name(f"{new.name}-old")
    target.rename(old)
    try:
        new.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _what_is_there(out: Path) -> dict[str, bytes] | None:
    """The files of an untouched kit, or None if the folder is empty or missing.

    Raises ``FileError`` for everything that must not be overwritten.
    """
    try:
        if not out.exists() and not out.is_symlink():
            return None
        if not out.is_dir():
            raise FileError(f"{out} already exists and is not a folder.", "Name another folder.")
        if Path.cwd().is_relative_to(out.resolve()):
            raise FileError(
                f"{out} is the folder you are in, or above it: it can't be replaced.",
                "Name a new folder in it, such as my-bot.",
            )
        inside = sorted(path.name for path in out.iterdir() if path.name != "__pycache__")
        if not inside:
            return None
        untouched = _untouched(out, inside)
    except (OSError, ValueError) as error:
        raise file_error(error, out, "read") from error
    if untouched is None:
        some = ", ".join(inside[:3]) + (", …" if len(inside) > 3 else "")
        raise FileError(
            f"{out} has files in it that would be lost: {some}.", "Name a new folder, or empty it."
        )
    return untouched


def _untouched(out: Path, inside: list[str]) -> dict[str, bytes] | None:
    """All files, if they are exactly those that the manifest lists; else None."""
    found: dict[str, bytes] = {}
    with contextlib.suppress(FileError, CheckpointError):
        if len(inside) > len(FILES) + 2 or any((out / name).is_symlink() for name in inside):
            return None
        for name in inside:
            found[name] = read_bytes(out / name, _LIMIT)
        manifest = parse_json(found.get(MANIFEST, b""), MANIFEST, "")
        listed = manifest.get("files") if isinstance(manifest, dict) else None
        hashes = {n: hashlib.sha256(d).hexdigest() for n, d in found.items() if n != MANIFEST}
        if listed == hashes:
            return found
    return None


def _demo() -> None:
    for name, data in kit_files().items():
        print(f"{name:<12} {len(data):>7,} bytes")
    print(f"as a zip     {len(kit_zip()):>7,} bytes")


if __name__ == "__main__":
    _demo()

"""What differs between the kits of a class, and the teacher's key that it follows from.

Everything secret or personal is HMAC-SHA256(key, purpose and student): the same key and student
give the same again, another student something else, and nothing of it leads back to the key.
Without a key there is one standard kit, the same for everybody.

The category's list is public as a whole. What varies is which of its words a kit names as
examples: the others are held out, to be thought of. Words are paired by length, and of each pair
the key picks one, so that no kit is easier than another. The list was widened once: old words are
paired among themselves and so are the new ones, so that a kit of the first list still names what
its grader takes it to name.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from microgpt.calling import command
from microgpt.errors import CheckpointError, FileError, InputError
from microgpt.files import file_error, read_bytes, shown, sync_directory
from microgpt.guard.policy import Policy

CATEGORIES = {"fruits": "data/fruits.toml"}
"""The categories that kits are made for; each is a policy that ships with microgpt."""

_FIRST = {"fruits": 29}  # words of the category's first list, which stand first in the policy

KEY_BYTES = 32
MOST_ID = 64  # characters

_ID = re.compile(r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]*")
_WINDOWS = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.I)

# Harmless prefixes, the most common ones of each length: all of them must be allowed, which a
# test measures. A kit's test_bot.py tries some.
_BEGINNINGS = (
    (6, "a k m j s d r l c e t b n z h g i y"),
    (5, "ja ka da br al ca an ke sa de ha el ar ra na la za sh jo je mi am ro ad em re ya ky"),
    (5, "mar sha jay ken kay bra kai bri cha kal kar ana kam bre ari ell sam ann dar jan dan ray"),
    (
        4,
        "mari anna chri kayl jayl alex char andr kris mary jami ange bren adel kail rosa shan emil",
    ),
)


BEGINNINGS = tuple(prefix for _, pool in _BEGINNINGS for prefix in pool.split())
"""All that a kit's test_bot.py may try."""


@dataclass(frozen=True)
class Variant:
    """One student's version of the assignment.

    ``words_named``: the words that the kit names, in the order of the list. ``words_held_out``:
    the category's other words. ``prefixes``: harmless requests that its test_bot.py tries.
    ``test_seed``: the seed of its test_bot.py. ``seed``: 32 bytes for the grader's hidden cases;
    never part of a kit.
    """

    words_named: tuple[str, ...]
    words_held_out: tuple[str, ...]
    prefixes: tuple[str, ...]
    test_seed: int
    seed: bytes


def variant(student: str | None, key: bytes | None, category: str = "fruits") -> Variant:
    """The version of a student; without a key the standard one, whose ``seed`` anybody can compute.

    Capital and small letters in ``student`` are the same. Raises ``InputError`` for a category
    that isn't there.
    """
    words = policy(category).words
    named: set[str] = set()
    odd = derive(key, student, f"odd word of {category}")[0] % 2 == 1
    first = _FIRST[category]
    for part in (words[:first], words[first:]):
        by_length = sorted(part, key=lambda word: (len(word), word))
        for at in range(0, len(by_length), 2):
            pair = _drawn(key, student, f"words of {category}", by_length[at : at + 2])
            if len(pair) == 2 or odd:
                named.add(pair[0])
        odd = not odd  # so that as many are named as are held out
    prefixes = [
        prefix
        for count, pool in _BEGINNINGS
        for prefix in _drawn(key, student, "prefixes", pool.split())[:count]
    ]
    return Variant(
        tuple(word for word in words if word in named),
        tuple(word for word in words if word not in named),
        tuple(prefixes),
        int.from_bytes(derive(key, student, "tests")[:2], "big"),
        derive(key, student, f"cases of {category}"),
    )


@cache
def policy(category: str = "fruits") -> Policy:
    """The policy of a category, read once; ``InputError`` if there is no such category."""
    from microgpt.data import bundled

    if category not in CATEGORIES:
        raise InputError(
            f"There is no category {shown(category)}.", f"Categories are: {', '.join(CATEGORIES)}."
        )
    return Policy.read(bundled(CATEGORIES[category]))


def derive(key: bytes | None, student: str | None, purpose: str) -> bytes:
    """32 bytes that follow from key, student and purpose, and from nothing else."""
    who = (student or "").casefold()
    text = f"microgpt assignment\0{purpose}\0{who}".encode("utf-8", "surrogatepass")
    return hmac.digest(key or b"", text, "sha256")


def _drawn(key: bytes | None, student: str | None, purpose: str, words: Sequence[str]) -> list[str]:
    """The words in an order that the key decides."""
    return sorted(words, key=lambda word: derive(key, student, f"{purpose}\0{word}"))


# ---------------------------------------------------------------- who


def folder_name(student: str) -> str:
    """The student's id, if it can be the name of a folder on every system.

    Raises ``InputError`` for other characters than letters and digits of ASCII and ``. _ - @ +``,
    for more than 64 of them, and for names that some system reserves.
    """
    remedy = "Use an id or an e-mail address: letters a-z, digits and . _ - @ +"
    if len(student) > MOST_ID:
        raise InputError(
            f"The student {shown(student)} has {len(student):,} characters, may have {MOST_ID}.",
            remedy,
        )
    if not _ID.fullmatch(student) or student.endswith(".") or _WINDOWS.fullmatch(student):
        raise InputError(f"The student {shown(student)} can't be the name of a folder.", remedy)
    return student


def folder_names(students: Iterable[str]) -> list[str]:
    """The same for a class; two that differ in capitals only are refused as well."""
    names: dict[str, str] = {}
    for student in students:
        name = folder_name(student)
        if name.casefold() in names:
            raise InputError(
                f"The students {shown(names[name.casefold()])} and {shown(name)} would share a "
                "folder.",
                "Give each an id of their own; capitals alone don't tell them apart.",
            )
        names[name.casefold()] = name
    return list(names.values())


# ---------------------------------------------------------------- the key


def write_key(path: Path) -> bytes:
    """A new key in a new file, which only its owner may read.

    Raises ``FileError`` if the file already exists: a lost key can't be made again.
    """
    key = secrets.token_bytes(KEY_BYTES)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        fd = os.open(path, flags, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(key.hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        sync_directory(path.absolute().parent)
    except FileExistsError:
        raise FileError(
            f"{path} already exists, and a key is never overwritten.", "Name another file."
        ) from None
    except (OSError, ValueError) as error:
        raise file_error(error, path, "write") from error
    return key


def read_key(path: Path) -> bytes:
    """The key in a file of ``write_key``.

    Raises ``FileError`` if it can't be read or isn't one; what it holds is never shown.
    """
    remedy = f"Make one: {command('assignment', 'key', 'FILE')}"
    if not path.exists():
        raise FileError(f"There is no key file {path}.", remedy)
    try:
        text = read_bytes(path, 1024).decode("ascii").strip()
        key = bytes.fromhex(text)
    except (CheckpointError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise FileError(f"{path} isn't a key: a key is {2 * KEY_BYTES} hexadecimal digits.", remedy)
    return key


def _demo() -> None:
    for student, key in ((None, None), ("ada", b"a key"), ("bob", b"a key")):
        made = variant(student, key)
        print(f"{student or '(standard)':<10} names {', '.join(made.words_named[:6])}, …")
        print(f"{'':<10} tries {' '.join(made.prefixes)}")


if __name__ == "__main__":
    _demo()

"""The bundled data: form, counts as data/README.md states, how words.txt is made."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
SCRIPT = ROOT / "scripts" / "make_words.py"
LISTS = ["names.txt", "words.txt", "dinosaurs.txt"]
OURS = ["words.txt", "dinosaurs.txt"]

TEXT = "shakespeare.txt"
TEXT_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
NAMES_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"

PLAY = """\
First Citizen:
Before we go, hear me; before Rome
we go to rome--we go:

MENENIUS:
We know't, well-beloved Menenius, and go we must:
and we hear, and know.
"""


def documents(name: str) -> list[str]:
    return (DATA / name).read_bytes().decode("ascii").removesuffix("\n").split("\n")


def stated() -> dict[str, tuple[int, int, int]]:
    """Documents, characters and longest of each file in the table of data/README.md."""
    rows = re.findall(
        r"^\| `([a-z]+\.txt)` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|",
        (DATA / "README.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    return {
        name: (
            int(count.replace(",", "")),
            int(characters.replace(",", "")),
            int(longest.replace(",", "")),
        )
        for name, count, characters, longest in rows
    }


def run_script(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, check=False
    )


@pytest.mark.parametrize("name", LISTS)
def test_every_line_is_a_to_z(name: str) -> None:
    bad = [line for line in documents(name) if not re.fullmatch("[a-z]+", line)]
    assert bad == []  # so no blank line, no CR and no space either


@pytest.mark.parametrize("name", OURS)
def test_ours_are_sorted_and_unique(name: str) -> None:
    lines = documents(name)
    assert lines == sorted(set(lines))


@pytest.mark.parametrize("name", OURS)
def test_ours_end_in_one_newline(name: str) -> None:
    data = (DATA / name).read_bytes()
    assert data.endswith(b"\n") and not data.endswith(b"\n\n")


def test_readme_states_every_list() -> None:
    assert sorted(stated()) == sorted(LISTS)
    assert sorted([*LISTS, TEXT]) == sorted(path.name for path in DATA.glob("*.txt"))


@pytest.mark.parametrize("name", LISTS)
def test_counts_are_those_stated(name: str) -> None:
    lines = documents(name)
    lengths = [len(line) for line in lines]
    assert stated()[name] == (len(lines), sum(lengths), max(lengths))


def test_names_is_the_known_file() -> None:
    lines = documents("names.txt")
    assert len(lines) == 32_033
    assert len(set(lines)) == 29_494
    assert hashlib.sha256((DATA / "names.txt").read_bytes()).hexdigest() == NAMES_SHA256


def test_the_running_text_is_the_known_file_and_as_stated() -> None:
    content = (DATA / TEXT).read_bytes()
    assert hashlib.sha256(content).hexdigest() == TEXT_SHA256
    assert content.isascii() and content.count(b"\n") == 40_000
    assert content.endswith(b".\n") and b"\r" not in content
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"| `{TEXT}` | {len(content):,} | {len(set(content))} |" in readme
    assert f"makes {len(content) - 1:,} characters" in readme and "40,000 lines" in readme


def test_words_are_those_of_the_running_text() -> None:
    made = run_script(DATA / TEXT)
    assert (made.returncode, made.stdout) == (0, (DATA / "words.txt").read_bytes())


def test_words_have_2_to_16_letters_and_no_proper_names() -> None:
    words = documents("words.txt")
    assert {len(word) for word in words} <= set(range(2, 17))
    assert not {"menenius", "romeo", "juliet", "rome", "england", "hastings"} & set(words)


def test_dinosaurs_are_dinosaurs() -> None:
    genera = set(documents("dinosaurs.txt"))
    assert {"tyrannosaurus", "triceratops", "diplodocus", "stegosaurus", "iguanodon"} <= genera
    others = {"dimetrodon", "pteranodon", "pterodactylus", "quetzalcoatlus", "plesiosaurus"}
    others |= {"ichthyosaurus", "mosasaurus", "deinosuchus", "silesaurus", "archaeopteryx"}
    assert not others & genera


@pytest.mark.parametrize(
    ("min_count", "words"),
    [
        (1, b"and\nbefore\ngo\nhear\nknow\nme\nmust\nrome\nto\nwe\n"),
        (2, b"and\ngo\nhear\nwe\n"),
        (3, b"and\ngo\nwe\n"),
        (4, b"go\nwe\n"),
    ],
)
def test_script_picks_words(tmp_path: Path, min_count: int, words: bytes) -> None:
    play = tmp_path / "play.txt"
    play.write_text(PLAY, encoding="utf-8")
    out = tmp_path / "words.txt"
    to_file = run_script(play, "--out", out, "--min-count", str(min_count))
    assert to_file.returncode == 0, to_file.stderr.decode()
    assert out.read_bytes() == words
    assert run_script(play, "--min-count", str(min_count)).stdout == words


def test_script_reads_crlf_the_same(tmp_path: Path) -> None:
    play = tmp_path / "play.txt"
    play.write_bytes(PLAY.replace("\n", "\r\n").encode())
    assert run_script(play, "--min-count", "2").stdout == b"and\ngo\nhear\nwe\n"


def test_script_says_what_is_wrong(tmp_path: Path) -> None:
    missing = run_script(tmp_path / "nowhere.txt")
    assert missing.returncode == 1
    assert b"cannot read" in missing.stderr and b"Traceback" not in missing.stderr

    not_text = tmp_path / "latin1.txt"
    not_text.write_bytes(b"caf\xe9\n")
    latin1 = run_script(not_text)
    assert latin1.returncode == 1
    assert b"not UTF-8" in latin1.stderr and b"Traceback" not in latin1.stderr

    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    nothing = run_script(empty)
    assert nothing.returncode == 1
    assert b"no word occurs" in nothing.stderr

    play = tmp_path / "play.txt"
    play.write_text(PLAY, encoding="utf-8")
    unwritable = run_script(play, "--min-count", "1", "--out", tmp_path / "no" / "words.txt")
    assert unwritable.returncode == 1
    assert b"cannot write" in unwritable.stderr and b"Traceback" not in unwritable.stderr

    bad_count = run_script(play, "--min-count", "0")
    assert bad_count.returncode == 2
    assert b"1 or more" in bad_count.stderr

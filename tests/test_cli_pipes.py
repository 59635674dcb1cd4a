"""What the command does when nobody reads its output any more, as behind `| head`."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_runner import COMMAND, environment, posix
from microgpt.data import bundled
from patience import PATIENCE

pytestmark = posix

MODEL = str(bundled("data/model.json"))


@contextlib.contextmanager
def nobody_reads() -> Iterator[int]:
    """The writing end of a pipe that is closed at the other."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


def run_unread(folder: Path, *arguments: str, errors_too: bool = False) -> tuple[int, str]:
    """Exit code and complaints of a command whose output is a closed pipe."""
    with nobody_reads() as pipe:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment(),
            input=b"ma\n" * 3,
            stdout=pipe,
            stderr=pipe if errors_too else subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    return done.returncode, (done.stderr or b"").decode()


@pytest.mark.parametrize(
    "command",
    [
        ["sample", MODEL],
        ["sample", MODEL, "--json"],
        ["eval", MODEL, "few.txt"],
        ["inspect", MODEL],
        ["ladder"],
        ["speedrun"],
        ["ladder", "0", "few.txt"],
        ["doctor"],
        ["bot"],
        ["--help"],
    ],
    ids=lambda command: " ".join(command).replace(MODEL, "MODEL"),
)
def test_what_only_prints_ends_quietly(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "few.txt").write_text("ada\neva\n")
    assert run_unread(tmp_path, *command) == (0, "")


def test_a_mistake_keeps_its_code(tmp_path: Path) -> None:
    code, said = run_unread(tmp_path, "sample", "nowhere", "--json")
    assert (code, said.splitlines()[0]) == (
        3,
        "microgpt: There is no run or model file at nowhere.",
    )
    assert run_unread(tmp_path, "sample", "nowhere", errors_too=True) == (3, "")
    assert run_unread(tmp_path, "export", MODEL, "m.json", errors_too=True) == (0, "")
    assert (tmp_path / "m.json").exists()


def test_a_rung_is_copied_whole(tmp_path: Path) -> None:
    assert run_unread(tmp_path, "ladder", "0", "--copy", "mine") == (0, "")
    assert sorted(path.name for path in tmp_path.glob("mine/*")) == ["input.txt", "train0.py"]


@pytest.mark.slow
def test_grading_that_is_not_written_down_says_so(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("print()")
    code, said = run_unread(tmp_path, "grade", "bot.py", "--json", "--out", "graded")
    assert code == 130
    assert "Nobody reads the output any more: no results are kept." in said
    assert not (tmp_path / "graded/class.csv").exists()
    code, said = run_unread(tmp_path, "grade", "bot.py", "--json")
    assert code == 0 and "microgpt:" not in said

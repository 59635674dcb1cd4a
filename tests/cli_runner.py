"""Runs the command as a user would: in this process where that is enough, else in its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from microgpt import cli
from patience import PATIENCE

SRC = Path(__file__).parent.parent / "src"
COMMAND = [sys.executable, "-m", "microgpt"]

# Flags of runs that are over at once, and the documents of the fixture `own_list`.
TINY = ["--n-embd", 4, "--n-head", 2]
SMALL = [*TINY, "--block-size", 8, "--steps", 12]
DINO = ["--data", "dinosaurs", *SMALL]
DOCS = "ada\neva\nida\nadele\n"

# Standard output takes ASCII alone. In such a locale Python itself can't start where it is
# installed under a path with other letters: its module site reads *.pth files in that encoding.
ONLY_ASCII = {"PYTHONIOENCODING": "ascii"}
if str(SRC).isascii():
    ONLY_ASCII |= {"LC_ALL": "C", "PYTHONUTF8": "0"}

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@dataclass(frozen=True)
class Result:
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The objects of ``--json``; fails if anything else was printed."""
        lines = [json.loads(line, parse_constant=_refuse) for line in self.out.splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return lines

    def of(self, key: str) -> list[Any]:
        """The values of ``key`` in those lines that have it."""
        return [line[key] for line in self.lines if key in line]

    @property
    def complaints(self) -> list[str]:
        """What standard error holds beyond notes."""
        return [line for line in self.err.splitlines() if not line.startswith("note: ")]

    @property
    def losses(self) -> list[float]:
        """The loss of each step."""
        return self.of("loss")


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def microgpt(*arguments: object) -> Result:
    """Run the command in this process and in the current directory."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run([str(a) for a in arguments])
    return Result(code, out.getvalue(), err.getvalue())


def ok(*arguments: object) -> Result:
    """``microgpt`` where it must succeed."""
    result = microgpt(*arguments)
    assert result.code == 0, result.err or result.out
    return result


def refused(code: int, *arguments: object) -> str:
    """Run what must fail with this exit code; returns its one or two lines.

    The message says what is wrong, an optional second line what to do. Not for
    ``--json``, where the error is a line on standard output.
    """
    result = microgpt(*arguments)
    assert result.code == code, (result.code, result.err, result.out[-500:])
    said = result.complaints
    assert "Traceback" not in result.err
    assert said[0].startswith("microgpt: "), result.err
    assert said[0].endswith((".", "!", "?")), said[0]
    assert len(said) <= 2, said
    assert all(line.startswith("  ") for line in said[1:]), said
    assert all(line.isprintable() for line in said), said
    return "\n".join(said)


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command in its own process; PYTHONPATH leads to this checkout."""
    return {**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1", **changes}


def process(
    *arguments: object, cwd: Path, command: Sequence[str] = COMMAND, **changes: str
) -> Result:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    encoding = changes.get("PYTHONIOENCODING", "utf-8").split(":")[0]
    return Result(done.returncode, done.stdout.decode(encoding), done.stderr.decode())


@contextlib.contextmanager
def started(
    *arguments: object, cwd: Path, command: Sequence[str] = COMMAND, **popen: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """The command running in a process of its own, silent unless told otherwise.

    It is killed where it still runs at the end of the block.
    """
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    whole = [*command, *map(str, arguments)]
    with subprocess.Popen(whole, cwd=cwd, env=environment(), **{**quiet, **popen}) as run:
        try:
            yield run
        finally:
            run.kill()


def snapshot(run: Path) -> dict[str, bytes]:
    """The files of the newest save of a run: weights, optimiser and state."""
    step = run / (run / "latest").read_text().strip()
    copies = ("run.json", "vocab.json")
    return {p.name: p.read_bytes() for p in sorted(step.iterdir()) if p.name not in copies}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a directory with its content, to see that nothing changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def metrics(run: str) -> list[dict[str, Any]]:
    """The log of a run, line by line."""
    return [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]


def written(name: str, content: str | bytes) -> Path:
    """A file in the current directory with this content."""
    data = content.encode() if isinstance(content, str) else content
    Path(name).write_bytes(data)
    return Path(name)

"""Commands whose calls for files fail, are cut short or are their last, at a place of our choice.

``fault_shim.c`` does it below Python, and ``fault_server.py`` makes a command cost a fork instead
of a start. The package is copied beside a small site of its own, so that exporting the guide is a
matter of seven files and not of hundreds.
"""

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli_runner import SRC, Result, environment
from microgpt.pace import TIMES
from patience import PATIENCE

TESTS = Path(__file__).resolve().parent
SITE = {
    "index.html": b"<h1>The guide</h1>\n",
    "about/index.html": b"<h1>About</h1>\n",
    "js/kernel.wasm": bytes(range(256)) * 40,
    "js/site.js": b"export const there = true;\n",
    "learn/loss/index.html": "<p>−log p</p>\n".encode(),
}

NEEDS_ROOM = "create,write,mkdir"
"""The kinds of calls that a full disk refuses."""


@dataclass(frozen=True)
class Call:
    """One counted call: what kind, its error number or 0, on what, and the bytes written."""

    kind: str
    error: int
    path: str
    other: str
    offset: int
    data: bytes


def read_log(path: Path) -> list[Call]:
    """What the shim has noted."""
    raw = path.read_bytes() if path.exists() else b""
    calls, at = [], 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        kind, error, name, other, offset, length = raw[at:end].decode().split("\t")
        at = end + 1 + int(length)
        calls.append(Call(kind, int(error), name, other, int(offset), raw[end + 1 : at]))
    return calls


class Commands:
    """The command, run in ``root`` as often as wanted: ``start`` first, ``close`` at the end."""

    def __init__(self, folder: Path, compiler: str) -> None:
        self.folder = folder.resolve()
        self.root = self.folder / "root"
        self.shim = self.folder / "fault_shim.so"
        self.house = self.folder / "house"
        self.log = self.folder / "log"
        build(compiler, self.shim)
        shutil.copytree(SRC / "microgpt", self.house / "src" / "microgpt")
        (self.house / "data").symlink_to(SRC.parent / "data")
        for name, content in SITE.items():
            path = self.house / "guide" / "site" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.environment = environment(
            PYTHONPATH=str(self.house / "src"), LD_PRELOAD=str(self.shim), PYTHONUTF8="1"
        )
        self.server = subprocess.Popen(
            [sys.executable, str(TESTS / "fault_server.py")],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready"

    def close(self) -> None:
        """End the process that forks."""
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.close()
        self.server.wait(PATIENCE)
        self.server.stdout.close()

    def _answer(self) -> str:
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        assert line, "the process that forks for every command has ended"
        return line.strip()

    def warm(self, kept: Path) -> None:
        """Let the commands that grade begin with the cases that this file holds."""
        assert self.server.stdin is not None
        print(json.dumps({"kept": str(kept)}), file=self.server.stdin, flush=True)
        assert self._answer() == "ready"

    def begin(self, base: Path) -> None:
        """Let ``root`` be a copy of ``base``."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(base, self.root)

    def plan(self, how: str | int, at: int, kinds: str = "", on: bool = False) -> dict[str, str]:
        """The environment in which the call number ``at`` in ``root`` goes wrong."""
        return {
            "FAULT_ROOT": str(self.root),
            "FAULT_AT": str(at),
            "FAULT_HOW": str(how),
            "FAULT_KINDS": f",{kinds}," if kinds else "",
            "FAULT_ON": "1" if on else "",
            "FAULT_LOG": str(self.log),
        }

    def run(self, *arguments: object, plan: dict[str, str] | None = None, said: str = "") -> Result:
        """Run the command in ``root``; by default nothing goes wrong.

        ``said``: a file in ``root`` for standard output, which is then logged like the others.
        """
        self.log.unlink(missing_ok=True)
        out, err = self.folder / "out", self.folder / "err"
        if said:
            out = self.root / said
        for path in (out, err):
            path.unlink(missing_ok=True)
        asked: dict[str, Any] = {
            "arguments": [str(a) for a in arguments],
            "cwd": str(self.root),
            "out": str(out),
            "err": str(err),
            "plan": plan or self.plan("", 0),
        }
        assert self.server.stdin is not None
        print(json.dumps(asked), file=self.server.stdin, flush=True)
        done = json.loads(self._answer())
        return Result(done["code"], out.read_text("utf-8"), err.read_text("utf-8"))

    def ok(self, *arguments: object) -> Result:
        """Run what must succeed."""
        result = self.run(*arguments)
        assert result.code == 0, result.err or result.out
        return result

    def calls(self) -> list[Call]:
        """The counted calls of the command that ran last."""
        return read_log(self.log)

    def process(self, *arguments: object, plan: dict[str, str]) -> Result:
        """The command in a process that starts from nothing, as a user starts it."""
        self.log.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "microgpt", *map(str, arguments)],
            cwd=self.root,
            env={**self.environment, **plan},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
        )
        return Result(done.returncode, done.stdout, done.stderr)


def build(compiler: str, library: Path) -> None:
    """Compile the shim."""
    flags = ["-O1", "-Wall", "-Werror", "-shared", "-fPIC"]
    source = str(TESTS / "fault_shim.c")
    done = subprocess.run(
        [compiler, *flags, source, "-o", str(library), "-ldl", "-lpthread"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr


def places(total: int, most: int) -> list[int]:
    """At most so many of the calls 1 … total, the first and the last among them."""
    if total <= most:
        return list(range(1, total + 1))
    return sorted({1 + round(i * (total - 1) / (most - 1)) for i in range(most)})


# ---------------------------------------------------------------- what lies in root


def leftovers(folder: Path) -> list[str]:
    """Everything below a folder that has the name of something unfinished."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if any(part.startswith(".") and part != ".lock" for part in path.relative_to(folder).parts)
    )


def content(folder: Path) -> dict[str, object]:
    """All files below a folder by name, as far as they must be the same whenever they are made.

    Left out is what depends on time: seconds in metrics.jsonl, and in state.json the length and
    the digests that come from them.
    """
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or path.name == ".lock":
            continue
        if path.name == "metrics.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in line.items() if k not in TIMES} for line in lines]
        elif path.name == "state.json":
            state = json.loads(path.read_text())
            timed = ("metrics_bytes", "metrics_sha256", "digest")
            found[name] = {k: v for k, v in state.items() if k not in timed}
        else:
            found[name] = path.read_bytes()
    return found


def files_in(folder: Path, but: Sequence[str]) -> dict[str, bytes]:
    """The files of a folder that lie neither in nor at one of these names."""
    found = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in but and path.name != ".lock":
            found["/".join(parts)] = path.read_bytes()
    return found


@contextlib.contextmanager
def commands(folder: Path) -> Iterator[Commands]:
    """``Commands`` in this folder; skips where they can't be had."""
    if sys.platform != "linux":
        pytest.skip("fault_shim.c wraps the calls that Linux has")
    from conftest import _require_program

    made = Commands(folder, _require_program("cc"))
    try:
        yield made
    finally:
        made.close()

"""What the command says where a disk is full or read-only, or nothing can be made.

Each gets one clear line (value, limit), mostly a second one with the remedy, its documented exit
code and no traceback, and nothing that was written before is lost.
"""

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli_runner import COMMAND, SMALL, environment, metrics, microgpt, ok, posix, refused, tree
from microgpt.data import bundled
from microgpt.opening import open_model
from patience import PATIENCE

pytestmark = pytest.mark.usefixtures("own_list")


@contextlib.contextmanager
def full_disk(left: int) -> Iterator[None]:
    """Within, after ``left`` bytes, writing fails with "disk full"."""
    real = os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real(fd, bytes(data)[:left])
        left -= count
        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


def sizes() -> int:
    """Bytes that the run of the tests below writes in all."""
    return sum(len(data) for data in tree(Path("straight")).values())


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 0.5, 0.9])
def test_a_full_disk_stops_the_run_and_loses_nothing(share: float) -> None:
    flags = ["train", "own.txt", *SMALL, "--save-every", 2]
    straight = ok(*flags, "--json", "--out", "straight")
    with full_disk(int(share * 2 * sizes())):
        result = microgpt(*flags, "--json", "--out", "r")
    assert result.code == 3
    error = result.lines[-1]["error"]
    assert "the disk is full" in error["message"] and "Free some space" in error["remedy"]
    saved = [line["step"] for line in result.of("saved")]
    assert not list(Path("r").glob("**/.tmp-*"))
    if not Path("r/run.json").exists():
        again = ok(*flags, "--json", "--out", "r")
        assert again.losses == straight.losses
        return
    if saved:
        assert open_model(Path("r"))[0].step == saved[-1]
    ok("train", "--resume", "r")
    assert open_model(Path("r"))[0].step == 12
    last = Path("r/step-00000012/weights.safetensors").read_bytes()
    assert last == Path("straight/step-00000012/weights.safetensors").read_bytes()
    assert [line["loss"] for line in metrics("r") if "loss" in line] == straight.losses


def test_a_full_disk_when_a_model_is_exported(finished: Path) -> None:
    ok("export", finished, "m.json")
    before = tree(Path.cwd())
    for name in ("m.json", "m.safetensors"):
        with full_disk(100):
            said = refused(3, "export", finished, name, "--force")
        assert f"Can't write {name}: the disk is full" in said
    assert tree(Path.cwd()) == before


@posix
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A file system of 200 kB in memory, where the system lets us make one."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("can't mount a file system here")
    try:
        flags = ["train", "own.txt", "--steps", 40, "--save-every", 2, "--json"]
        result = microgpt(*flags, "--out", small / "r")
        assert result.code == 3
        assert "the disk is full" in result.lines[-1]["error"]["message"]
        saved = [line["step"] for line in result.of("saved")]
        assert open_model(small / "r")[0].step == saved[-1]
        assert not list(small.glob("r/**/.tmp-*"))
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


@posix
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    import resource

    done = subprocess.run(
        [*COMMAND, "train", "own.txt", "--out", "r"],
        cwd=tmp_path, env=environment(), capture_output=True, timeout=PATIENCE, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000)),
    )  # fmt: skip
    assert done.returncode == 3
    assert b"the file would be larger than is allowed here" in done.stderr
    assert b"Traceback" not in done.stderr
    ok("train", "--resume", "r", "--stop-after", 3)


@posix
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    [
        ["train", "own.txt", *SMALL],
        ["train", "own.txt", *SMALL, "--json"],
        ["sample", bundled("data/model.json")],
        ["sample", bundled("data/model.json"), "--json"],
        ["doctor"],
    ],
    ids=["train", "train --json", "sample", "sample --json", "doctor"],
)
def test_standard_output_on_a_full_disk(
    tmp_path: Path, command: list[object], unbuffered: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *map(str, command)],
            cwd=tmp_path, env=environment(PYTHONUNBUFFERED=unbuffered), stdout=full,
            stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stderr.splitlines()[-2].startswith(b"microgpt: No space left on device")
    assert b"Traceback" not in done.stderr


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it to make every file system read-only (the superuser minds no permissions)."""
    real = os.open

    def refuse(path: Any, *_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def open_(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return real(path, flags, *more, **named)

    def begin() -> None:
        monkeypatch.setattr(os, "open", open_)
        for name in ("mkdir", "rename", "replace", "unlink", "truncate"):
            monkeypatch.setattr(os, name, refuse)

    return begin


def test_a_read_only_directory(finished: Path, read_only: Callable[[], None]) -> None:
    ok("train", "own.txt", *SMALL, "--out", "half", "--stop-after", 4)
    before = tree(Path.cwd())
    read_only()
    for out in ("new", "new/deeper"):
        said = refused(3, "train", "own.txt", *SMALL, "--out", out)
        assert "the file system is read-only" in said and "Choose another place" in said
    assert "the file system is read-only" in refused(3, "train", "--resume", "half")
    assert "the file system is read-only" in refused(3, "export", finished, "m.json")
    assert "read-only" in refused(3, "train", "own.txt").lower()
    assert "ead-only" in refused(3, "ladder", 1, "--copy", "mine")
    ok("sample", finished)  # looking needs no writing
    ok("eval", finished, "own.txt")
    ok("inspect", finished)
    assert tree(Path.cwd()) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_directory_without_permission() -> None:
    Path("locked").mkdir(0o555)
    said = refused(3, "train", "own.txt", "--out", "locked/r")
    assert "permission is denied" in said


def test_a_place_where_nothing_can_be_made() -> None:
    assert "own.txt" in refused(3, "train", "own.txt", "--out", "own.txt/r")
    assert refused(3, "train", "own.txt", "--out", "x" * 300)
    ok("train", "own.txt", *SMALL, "--out", "r")
    assert "nowhere" in refused(3, "export", "r", "nowhere/m.json")
    Path("d.json").mkdir()
    assert "directory" in refused(3, "export", "r", "d.json", "--force")

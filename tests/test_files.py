"""Files are written whole or not at all, and read up to a limit."""

import errno
import os

import pytest

from checkpoint_runs import count_calls, fail, names
from microgpt import files
from microgpt.errors import FileError, MicrogptError

pytestmark = pytest.mark.usefixtures("no_fsync")


def test_write_atomic(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    files.write_atomic(path, b"one")
    files.write_atomic(str(path), b"two")
    assert path.read_bytes() == b"two"
    total = count_calls(monkeypatch, lambda: files.write_atomic(path, b"two"))
    for at in range(1, total + 1):
        with pytest.raises(FileError, match=r"a\.txt: the disk is full") as caught:
            count_calls(
                monkeypatch, lambda: files.write_atomic(path, b"three"), at, then=fail(errno.ENOSPC)
            )
        assert caught.value.remedy
        assert path.read_bytes() in (b"two", b"three")
        assert names(tmp_path) == ["a.txt"]
        files.write_atomic(path, b"two")


def test_write_atomic_refuses_what_is_no_file(tmp_path):
    (tmp_path / "dir").mkdir()
    for bad in (tmp_path / "dir", tmp_path / "none" / "x", tmp_path / ("x" * 300), tmp_path / "\0"):
        with pytest.raises(FileError):
            files.write_atomic(bad, b"x")
        with pytest.raises(FileError):
            files.read_bytes(bad, 10)
    assert names(tmp_path) == ["dir"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_devices_and_pipes_are_not_replaced_or_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not an ordinary file"):
        files.write_atomic(tmp_path / "pipe", b"x")
    with pytest.raises(FileError, match="not an ordinary file"):
        files.read_bytes(tmp_path / "pipe", 10)
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    files.write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_read_bytes_limit(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert files.read_bytes(tmp_path / "a", 5) == b"12345"
    assert files.read_bytes(tmp_path / "a", 5, first=2) == b"12"
    with pytest.raises(MicrogptError, match="5 bytes, above the limit of 4"):
        files.read_bytes(tmp_path / "a", 4)

"""Saves that are killed, or that a full or read-only disk refuses: old or new, never half."""

import errno
import os
import shutil
import signal
import warnings
from pathlib import Path

import pytest

from checkpoint_runs import RUN, VOCAB, check, copy, count_calls, fail, new_run, save
from microgpt import files
from microgpt.disk import snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import CheckpointError, FileError

pytestmark = pytest.mark.usefixtures("no_fsync")


def scenario(tmp_path, name):
    """A run, and the save that is interrupted: its step, and the step that may remain."""
    if name == "first":
        return new_run(tmp_path), 0, None
    if name == "next":
        return new_run(tmp_path, 1, 2), 3, 2
    run = new_run(tmp_path, *([1, 2] if name == "again" else [2]))  # "only": no other snapshot
    run.log([{"eval": 1}])  # so that step 2 isn't identical
    return run, 2, 2


@pytest.mark.parametrize("number", [pytest.param(errno.EIO, marks=pytest.mark.slow), errno.ENOSPC])
@pytest.mark.parametrize("name", ["first", "next", "again", "only"])
def test_a_save_that_fails_at_any_call_leaves_old_or_new(tmp_path, monkeypatch, name, number):
    run, step, before = scenario(tmp_path, name)
    clean = copy(run, tmp_path, "clean")
    total = count_calls(monkeypatch, lambda: save(run, step))
    assert total > 10
    for at in range(1, total + 1):
        path = Path(shutil.copytree(clean, tmp_path / f"at{at}"))
        run = RunDir.open(path)
        try:
            count_calls(monkeypatch, lambda: save(run, step), at, then=fail(number))  # noqa: B023
        except FileError as caught:  # a failure while tidying up is none
            error = caught
        else:
            error = None
        if error is not None:
            assert str(path) in error.message
            assert error.remedy
            assert "disk is full" in error.message or number != errno.ENOSPC
        found, notices = RunDir.open(path).load()
        assert "damaged" not in str(notices)  # nothing half done has a step's name
        if found is None:
            assert before is None
        else:
            assert found.step in (before, step)
            check(found, found.step)
        save(run, step)  # and when the disk is well again, all is well
        found, notices = RunDir.open(path).load()
        check(found, step)
        assert notices == []
        assert not list(path.glob(".tmp-*"))
        assert not list(path.glob("*.old"))
        run.close()
        shutil.rmtree(path)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", ["first", "next", "again", "only"])
def test_a_process_killed_at_any_call_leaves_old_or_new(tmp_path, monkeypatch, name):
    """The real thing: a child dies of SIGKILL before its k-th call, with no chance to tidy up."""
    run, step, before = scenario(tmp_path, name)
    clean = copy(run, tmp_path, "clean")
    run.close()
    total = count_calls(monkeypatch, lambda: save(run, step))
    for at in range(1, total + 1):
        path = Path(shutil.copytree(clean, tmp_path / f"at{at}"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # threads of the linear algebra
            child = os.fork()
        if child == 0:
            try:
                other = RunDir.open(path)
                kill = lambda: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
                count_calls(monkeypatch, lambda: save(other, step), at, then=kill)  # noqa: B023
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        run = RunDir.open(path)
        found, notices = run.load()
        assert "damaged" not in str(notices)
        if found is None:
            assert before is None
        else:
            assert found.step in (before, step)
            check(found, found.step)
        save(run, step)
        found, notices = RunDir.open(path).load()
        check(found, step)
        assert notices == []
        assert not list(path.glob(".tmp-*"))
        assert not list(path.glob("*.old"))
        run.close()
        shutil.rmtree(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_creation_that_fails_at_any_call_can_be_repeated(tmp_path, monkeypatch, number):
    total = count_calls(monkeypatch, lambda: new_run(tmp_path, name="count"))
    for at in range(1, total + 1):
        with pytest.raises(FileError):
            count_calls(
                monkeypatch,
                lambda: new_run(tmp_path, name=f"at{at}"),  # noqa: B023
                at,
                then=fail(number),
            )
        path = tmp_path / f"at{at}"
        if (path / "run.json").exists():  # failed after it was there: the last sync
            assert RunDir.open(path).load() == (None, [])
        else:
            save(RunDir.create(path, RUN, VOCAB), 0)
            check(RunDir.open(path).load()[0], 0)


def test_a_really_full_file(tmp_path):
    """The operating system's own limit on file size stops a write half-way."""
    resource = pytest.importorskip("resource")
    run = new_run(tmp_path, 1)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.raises(FileError, match="larger than is allowed"):
            save(run, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert not list(run.path.glob(".tmp-*"))
    check(run.load()[0], 1)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_read_only_directory(tmp_path):
    run = new_run(tmp_path, 1)
    run.path.chmod(0o500)
    try:
        with pytest.raises(FileError, match="permission is denied"):
            save(run, 2)
        check(RunDir.open(run.path).load()[0], 1)
        with pytest.raises(FileError, match="permission is denied"):
            RunDir.create(run.path / "new", RUN, VOCAB)
    finally:
        run.path.chmod(0o700)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_directory_that_refuses_every_write(tmp_path, monkeypatch, number):
    run = new_run(tmp_path, 1)
    run.close()

    def opened(path, flags, *args, real=os.open):
        if flags & (os.O_WRONLY | os.O_RDWR):
            fail(number)()
        return real(path, flags, *args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", opened)
        patch.setattr(os, "mkdir", lambda *_: fail(number)())
        match = "read-only" if number == errno.EROFS else "permission is denied"
        reader = RunDir.open(run.path)
        check(reader.load()[0], 1)  # reading needs no lock
        for act in (
            lambda: save(reader, 2),
            lambda: reader.log([{}]),
            lambda: RunDir.create(tmp_path / "new", RUN, VOCAB),
        ):
            with pytest.raises(FileError, match=match) as caught:
                act()
            assert caught.value.remedy
    check(run.load()[0], 1)


def test_unreadable_is_not_damaged(tmp_path, monkeypatch):
    """What can't be read for want of permission is an error: nothing falls back from it."""
    run = new_run(tmp_path, 1, 2)
    real = files.read_bytes

    def denied(path, limit, **more):
        if Path(path).name == snapshot.WEIGHTS:
            error = PermissionError(errno.EACCES, "no")
            raise files.file_error(error, Path(path), "read") from error
        return real(path, limit, **more)

    monkeypatch.setattr(files, "read_bytes", denied)
    with pytest.raises(FileError, match="permission is denied") as caught:
        run.load()
    assert not isinstance(caught.value, CheckpointError)

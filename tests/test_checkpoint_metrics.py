"""The log of a run: it goes on after a torn line, and goes back to where a snapshot stands."""

import errno
import hashlib
import os
import re

import pytest

from checkpoint_runs import check, fail, new_run, save
from microgpt.disk import snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.runlog import RunLog
from microgpt.errors import CheckpointError, FileError

pytestmark = pytest.mark.usefixtures("no_fsync")


def test_metrics_rewind(tmp_path):
    run = new_run(tmp_path)
    assert (run.metrics(), run.metrics_size) == ([], 0)
    run.rewind_metrics(0)
    run.log([])
    assert run.metrics_size == 0
    run.log({"step": i} for i in (1, 2))
    save(run, 2)
    run.log([{"step": 3}])
    found, _ = run.load()
    assert len(run.metrics()) == 3  # load doesn't touch it
    run.rewind_metrics(found.state["metrics_bytes"])
    assert run.metrics() == [{"step": 1}, {"step": 2}]
    run.log([{"step": 3}])
    assert run.metrics() == [{"step": 1}, {"step": 2}, {"step": 3}]
    run.rewind_metrics(0)
    assert run.metrics() == []


def test_a_torn_last_line(tmp_path):
    run = new_run(tmp_path)
    run.log([{"step": 1}, {"step": 2, "text": "é" * 40_000}])
    path = run.path / "metrics.jsonl"
    whole = path.read_bytes()
    first = len(b'{"step": 1}\n')
    for cut in (first, first + 1, first + 20, len(whole) - 70_000, len(whole) - 1):
        path.write_bytes(whole[:cut])
        again = RunDir.open(run.path)
        assert again.metrics() == [{"step": 1}]
        again.log([{"step": 9}])  # never glued to the torn line
        assert again.metrics() == [{"step": 1}, {"step": 9}]
    path.write_bytes(b'{"ste')
    again = RunDir.open(run.path)
    assert again.metrics() == []
    again.log([{"step": 9}])
    assert again.metrics() == [{"step": 9}]


def test_a_damaged_line_is_named(tmp_path):
    run = new_run(tmp_path)
    run.log([{"step": 1}, {"step": 2}, {"step": 3}])
    path = run.path / "metrics.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"step": 2}', b'{"step: 2}'))
    with pytest.raises(CheckpointError, match="Line 2 of"):
        run.metrics()


def test_a_log_that_does_not_fit_leaves_no_half_line(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    run.log([{"step": 1}])
    real = os.write

    def half(fd, data):
        if len(data) < 20:
            fail(errno.ENOSPC)()
        return real(fd, bytes(data)[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(FileError, match=r"metrics\.jsonl: the disk is full"):
            run.log([{"step": 2, "text": "x" * 100}])
    assert (run.path / "metrics.jsonl").read_bytes() == b'{"step": 1}\n'


def test_lost_metrics_are_noticed(tmp_path):
    run = new_run(tmp_path)
    run.log([{"step": 1}])
    save(run, 1)
    (run.path / "metrics.jsonl").unlink()
    found, notices = run.load()
    check(found, 1)
    assert "metrics.jsonl is shorter" in notices[0]
    run.rewind_metrics(found.state["metrics_bytes"])
    assert run.metrics() == []


def recorded(run, step):
    """What a snapshot says of the log: its length, and whether the digest is that of the file."""
    found, _ = run.load()
    assert found.step == step
    size = found.state["metrics_bytes"]
    data = (run.path / "metrics.jsonl").read_bytes()[:size] if size else b""
    return size, found.state["metrics_sha256"] == hashlib.sha256(data).hexdigest()


def test_a_save_records_the_digest_of_the_log(tmp_path):
    run = new_run(tmp_path, 0)
    assert recorded(run, 0) == (0, True)
    sizes = []
    for step in (1, 2):
        run.log([{"step": step, "text": "é"}])
        save(run, step)
        sizes.append(recorded(run, step))
    assert sizes == [(run.metrics_size // 2, True), (run.metrics_size, True)]
    run.log([{"step": 3}])
    run.close()
    again = RunDir.open(run.path)  # resumed: the log is cut back, and goes on
    again.lock()
    found, notices = again.load()
    assert notices == []
    again.rewind_metrics(found.state["metrics_bytes"])
    save(again, 4)
    assert recorded(again, 4) == (sizes[1][0], True)
    again.log([{"step": 5}])
    save(again, 5)
    assert recorded(again, 5)[1]
    again.rewind_metrics(sizes[0][0])
    save(again, 6)
    assert recorded(again, 6) == sizes[0]
    again.rewind_metrics(0)
    save(again, 7)
    assert recorded(again, 7) == (0, True)


def test_the_digest_of_a_log_that_is_written_here_needs_no_reading(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    run.log([{"step": 1}])
    save(run, 1)

    real = type(run.path).open

    def opened(path, mode, *more):
        assert path.name != "metrics.jsonl" or mode != "rb"
        return real(path, mode, *more)

    monkeypatch.setattr(type(run.path), "open", opened)
    for step in (2, 3):
        run.log([{"step": step}])
        save(run, step)
    monkeypatch.undo()
    assert recorded(run, 3) == (run.metrics_size, True)


def test_a_log_that_has_changed_is_noticed_by_who_goes_on(tmp_path):
    run = new_run(tmp_path)
    run.log([{"step": 1, "loss": 2.5}])
    save(run, 1)
    path = run.path / "metrics.jsonl"
    path.write_bytes(path.read_bytes().replace(b"2.5", b"2.4"))
    run.close()
    again = RunDir.open(run.path)
    assert again.load()[1] == []  # readers don't read the log
    again.lock()
    found, notices = again.load()
    check(found, 1)
    assert notices == [
        "metrics.jsonl has changed since the save: some of it is wrong. step-00000001 is used."
    ]


def test_what_an_older_version_saved_has_no_digest_of_the_log(tmp_path):
    run = new_run(tmp_path)
    run.log([{"step": 1}])
    save(run, 1)
    path = run.path / "step-00000001" / "state.json"
    head = re.sub(rb' *"metrics_sha256": .*\n', b"", path.read_bytes()).split(b'  "digest"')[0]
    path.write_bytes(head + snapshot.digest_line(head))
    run.lock()
    assert run.load()[1] == []


def test_a_digest_by_pieces(tmp_path):
    log = RunLog(tmp_path)
    assert (log.digest(0), log.digest(1)) == (hashlib.sha256().hexdigest(), None)
    log.append(b"{}\n" * 10)
    for size in (30, 7, 7, 12, 0, 29):
        assert log.digest(size) == hashlib.sha256((b"{}\n" * 10)[:size]).hexdigest()
    assert log.digest(31) is None
    assert log.digest(30) == hashlib.sha256(b"{}\n" * 10).hexdigest()

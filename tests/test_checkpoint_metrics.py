"""The log of a run: it goes on after a torn line, and goes back to where a snapshot stands."""

import errno
import os

import pytest

from checkpoint_runs import check, fail, new_run, save
from microgpt.checkpoint import RunDir
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

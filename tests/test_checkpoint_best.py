"""The best snapshot of a run: it stays while newer ones come and go."""

import contextlib
import errno
from functools import partial

import pytest

from checkpoint_runs import check, count_calls, fail, names, new_run, optim, save, state, weights
from microgpt.disk import snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.runcheck import check_run
from microgpt.errors import CheckpointError, FileError

pytestmark = pytest.mark.usefixtures("no_fsync")


def save_best(run, step):
    return run.save(step, weights(step), optim(step, step), state(step), best=True)


def steps(run):
    return [int(name[5:]) for name in names(run.path, "step-*")]


def damage(run, step):
    (run.path / f"step-{step:08d}" / snapshot.WEIGHTS).write_bytes(b"")


def test_without_a_best(tmp_path):
    run = new_run(tmp_path, 1, 2)
    assert run.load_best() == (None, [])
    assert run.best_step is None
    assert "best" not in names(run.path)


def test_the_best_stays(tmp_path):
    run = new_run(tmp_path, 1)
    save_best(run, 2)
    assert (steps(run), run.best_step) == ([1, 2], 2)
    for step in (3, 4, 5):
        save(run, step)
    assert (steps(run), run.best_step) == ([2, 4, 5], 2)
    check(run.load()[0], 5)
    found, notices = RunDir.open(run.path).load_best()
    check(found, 2)
    assert notices == []
    save_best(run, 6)
    assert (steps(run), run.best_step) == ([5, 6], 6)
    assert (run.path / "best").read_text() == "step-00000006\n"
    run.close()
    assert [f.says for f in check_run(run.path) if f.file == "best"] == ["names step-00000006"]


def test_a_step_that_was_saved_already_becomes_the_best(tmp_path):
    run = new_run(tmp_path, 1, 2)
    before = (run.path / "step-00000002").stat().st_ino
    save_best(run, 2)
    assert (run.path / "step-00000002").stat().st_ino == before  # the same bytes
    assert run.best_step == 2
    save(run, 2)  # and stays it
    assert run.best_step == 2
    run.log([{"eval": 1}])
    save_best(run, 2)  # other bytes
    assert (steps(run), run.best_step) == ([1, 2], 2)
    check(run.load_best()[0], 2)


def test_a_best_of_a_later_step_stays_when_the_trainer_goes_back(tmp_path):
    run = new_run(tmp_path, 1)
    save_best(run, 8)
    save(run, 3)
    assert (steps(run), run.best_step) == ([1, 3, 8], 8)
    again = RunDir.open(run.path)
    found, notices = again.load()
    check(found, 3)  # to go on from
    assert notices == []
    check(again.load_best()[0], 8)
    save(again, 4)
    save(again, 5)
    assert (steps(run), again.best_step) == ([4, 5, 8], 8)
    damage(run, 4)
    damage(run, 5)
    found, notices = RunDir.open(run.path).load()
    check(found, 8)  # rather than none
    assert len(notices) == 2


def test_a_damaged_best(tmp_path):
    run = new_run(tmp_path)
    for step in (1, 2, 3):
        save_best(run, step) if step == 1 else save(run, step)
    damage(run, 1)
    again = RunDir.open(run.path)
    assert again.best_step == 1  # nobody has read it yet
    found, notices = again.load_best()
    check(found, 3)
    assert notices == [
        "`best` names step-00000001, which is damaged: weights.safetensors has fewer than the "
        "944 bytes that the config asks for. step-00000003 is used in its place."
    ]
    assert again.best_step is None
    save(again, 4)
    assert steps(run) == [3, 4]
    assert "best" not in names(run.path)
    for step in (3, 4):
        damage(run, step)
    with pytest.raises(CheckpointError, match="No snapshot"):
        RunDir.open(run.path).load()


@pytest.mark.parametrize("junk", [b"", b"../etc", b"step-00000077\n", b"\xff"])
def test_a_best_that_names_nothing(tmp_path, junk):
    run = new_run(tmp_path, 1, 2)
    (run.path / "best").write_bytes(junk)
    found, notices = run.load_best()
    check(found, 2)
    assert notices[0].startswith("`best` ") and notices[0].endswith(
        "step-00000002 is used in its place."
    )
    assert run.best_step is None
    check(run.load()[0], 2)
    run.close()
    assert [f.state for f in check_run(run.path) if f.file == "best"] == ["damaged"]


def test_a_best_save_that_fails_at_any_call(tmp_path, monkeypatch):
    run = new_run(tmp_path, 1)
    save_best(run, 2)
    total = count_calls(monkeypatch, lambda: save_best(run, 3))
    for at in range(1, total + 1):
        run = new_run(tmp_path, 1, name=f"at{at}")
        save_best(run, 2)
        act = partial(save_best, run, 3)
        with contextlib.suppress(FileError):
            count_calls(monkeypatch, act, at, then=fail(errno.ENOSPC))
        again = RunDir.open(run.path)
        best, notices = again.load_best()
        assert best.step in (2, 3) and notices == []
        check(best, best.step)
        save_best(again, 3)
        assert again.best_step == 3

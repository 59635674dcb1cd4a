"""Runs on disk: what is saved comes back whole; a run is opened, saved again and locked."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from checkpoint_runs import (
    CONFIG,
    RUN,
    VOCAB,
    check,
    names,
    new_run,
    optim,
    same,
    save,
    weights,
    without_copies,
)
from microgpt import files
from microgpt.arrays import Optim
from microgpt.disk import checkpoint, snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import CheckpointError, FileError, NumbersError

pytestmark = pytest.mark.usefixtures("no_fsync")


# ---------------------------------------------------------------- round trips


def test_round_trip(tmp_path):
    run = new_run(tmp_path)
    assert run.load() == (None, [])
    run.log([{"step": 1, "loss": 0.1}, {"step": 2, "loss": 1 / 3}])
    path = save(run, 2)
    assert path == tmp_path / "run" / "step-00000002"
    again = RunDir.open(tmp_path / "run")
    found, notices = again.load()
    assert notices == []
    check(found, 2)
    assert found.state["format"] == snapshot.FORMAT == 1
    assert found.state["metrics_bytes"] == again.metrics_size > 0
    assert again.metrics() == [{"step": 1, "loss": 0.1}, {"step": 2, "loss": 1 / 3}]
    assert again.vocab == VOCAB
    assert again.config == CONFIG
    assert again.run == run.run == {"format": 1, **RUN}
    assert next(iter(again.run)) == "format"
    found.weights["wte"][0, 0] = 5.0  # writable


def test_float32_and_no_optimiser(tmp_path):
    run = new_run(tmp_path)
    run.save(0, weights(1, np.float32), Optim(), {})
    found, _ = run.load()
    assert same(found.weights, weights(1, np.float32))
    assert (found.optim.m, found.optim.v, found.optim.step) == ({}, {}, 0)


def test_awkward_arrays(tmp_path):
    """Transposed, sliced and big-endian arrays, subnormals and -0.0 come back bit for bit."""
    run = new_run(tmp_path)
    w = weights(1)
    w["wte"] = np.asfortranarray(w["wte"])
    w["wpe"] = np.repeat(w["wpe"], 2, axis=1)[:, ::2]
    w["lm_head"] = w["lm_head"].astype(">f8")
    w["layer0.attn_wq"][0, :3] = [-0.0, 5e-324, 1.7976931348623157e308]
    run.save(0, w, Optim(), {})
    loaded = run.load()[0].weights
    for name in w:
        native = np.ascontiguousarray(w[name].astype(np.float64))
        assert native.tobytes() == loaded[name].tobytes()


def test_same_content_gives_the_same_bytes(tmp_path):
    runs = [new_run(tmp_path, 0, 7, name=name) for name in ("one", "two")]
    for part in (snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE):
        a, b = ((run.path / "step-00000007" / part).read_bytes() for run in runs)
        assert a == b


def test_the_files(tmp_path):
    run = new_run(tmp_path, 0, 5, 10, 15)
    assert names(run.path) == [
        *(".lock", "latest", "run.json", "step-00000010", "step-00000015", "vocab.json")
    ]
    assert (run.path / "latest").read_text() == "step-00000015\n"
    assert names(run.path / "step-00000015") == sorted(
        ["run.json", "vocab.json", snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE]
    )
    content = json.loads((run.path / "step-00000015" / "state.json").read_text())
    assert set(content["sha256"]) == {
        *("weights.safetensors", "optim.safetensors", "run.json", "vocab.json")
    }


def test_what_the_caller_passes_on_cannot_replace_ours(tmp_path):
    run = new_run(tmp_path, 3)
    old = run.load()[0].state
    run.save(4, weights(4), optim(4, 4), old)
    new = run.load()[0].state
    assert new["step"] == 4
    assert new["sha256"] != old["sha256"]
    assert new["stream"] == old["stream"]


def test_not_finite_is_not_saved(tmp_path):
    run = new_run(tmp_path, 1)
    w = weights(2)
    w["wpe"][1, 1] = np.nan
    with pytest.raises(NumbersError, match="wpe"):
        run.save(2, w, optim(2), {})
    moments = optim(2)
    moments.v["lm_head"][0, 0] = np.inf
    with pytest.raises(NumbersError, match=r"v\.lm_head"):
        run.save(2, weights(2), moments, {})
    with pytest.raises(NumbersError):
        run.save(2, weights(2), optim(2), {"loss": float("nan")})
    with pytest.raises(NumbersError):
        run.log([{"loss": float("inf")}])
    check(run.load()[0], 1)
    assert not list(run.path.glob(".tmp-*"))


# ---------------------------------------------------------------- create and open


def test_create_refuses_what_is_there(tmp_path):
    new_run(tmp_path, 1)
    with pytest.raises(FileError, match="already holds a run") as caught:
        new_run(tmp_path)
    assert "--resume" in caught.value.remedy
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    with pytest.raises(FileError, match=r"thesis\.tex"):
        RunDir.create(tmp_path / "other", RUN, VOCAB)
    assert names(tmp_path / "other") == ["thesis.tex"]
    with pytest.raises(FileError):
        RunDir.create(tmp_path / "other" / "thesis.tex", RUN, VOCAB)
    with pytest.raises(FileError):
        RunDir.create(tmp_path / "other" / "thesis.tex" / "run", RUN, VOCAB)
    with pytest.raises(FileError):
        RunDir.create(tmp_path / "a\0b", RUN, VOCAB)


def test_create_accepts_what_a_killed_creation_leaves(tmp_path):
    path = tmp_path / "deep" / "run"
    path.mkdir(parents=True)
    for name in ("vocab.json", ".tmp-run.json-123", ".lock"):
        (path / name).write_text("{")
    run = RunDir.create(path, RUN, VOCAB)
    save(run, 0)
    assert RunDir.open(path).vocab == VOCAB
    assert not list(path.glob(".tmp-*"))


def test_open_what_is_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "none", tmp_path / "file"):
        with pytest.raises(CheckpointError) as caught:
            RunDir.open(path)
        assert str(path) in caught.value.message
        assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[1]", "must be a JSON object"),
        ("{}", "has format null, must be a number up to 1"),
        ('{"format": true}', "format true"),
        ('{"format": "1"}', "format '1'"),
        ('{"format": 0}', "format 0"),
        ('{"format": 2, "config": {"new": 1}}', "format 2, this program reads up to 1"),
        ('{"format": 1}', "no object named config"),
        ('{"format": 1, "config": {"n_embd": 16, "rope": true}}', "unknown key 'rope'"),
        ('{"format": 1, "config": {"n_embd": 15}}', "n_embd 15 is not divisible"),
        ('{"format": 1, "config": {"n_embd": NaN}}', "NaN"),
        ('{"format": 1, "config": {"lr": 1e999}}', "lr"),
        ('{"format": 1, "config": {"n_embd": "16"}}', "n_embd"),
        ('{"format": 1, "config": {"activation": []}}', "activation"),
        ('{"format": 1, "format": 1, "config": {}}', "'format' occurs twice"),
        ('{"format": 1, "config": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_open_a_damaged_run_json(tmp_path, text, match):
    run = new_run(tmp_path)
    (run.path / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match=match) as caught:
        RunDir.open(run.path)
    assert caught.value.remedy
    assert len(str(caught.value)) < 400 + len(str(run.path))


def test_a_newer_format_says_both_numbers_and_the_remedy(tmp_path):
    run = without_copies(new_run(tmp_path, 1, 2))
    raw = (run.path / "run.json").read_text()
    (run.path / "run.json").write_text(raw.replace('"format": 1', '"format": 7'))
    with pytest.raises(CheckpointError, match=r"format 7.* up to 1.* Update microgpt\."):
        RunDir.open(run.path)


def test_a_snapshot_of_a_newer_format_is_not_passed_over(tmp_path):
    run = new_run(tmp_path, 1, 2)
    path = run.path / "step-00000002" / "state.json"
    head = path.read_bytes().split(b'  "digest"')[0].replace(b'"format": 1', b'"format": 2')
    path.write_bytes(head + snapshot.digest_line(head))
    with pytest.raises(CheckpointError, match=r"format 2.* Update microgpt"):
        run.load()


def test_oversized_files_are_not_read(tmp_path):
    run = new_run(tmp_path)
    with (run.path / "run.json").open("r+b") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(CheckpointError, match="17,825,792 bytes, above the limit of 16,777,216"):
        RunDir.open(run.path)
    run = new_run(tmp_path, 1, 2, name="saved")
    for part in (snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE):
        whole = (run.path / "step-00000002" / part).read_bytes()
        with (run.path / "step-00000002" / part).open("r+b") as file:
            file.truncate(10 * 2**30)  # a hole, no disk is used
        found, notices = run.load()
        check(found, 1)
        assert "above the limit" in notices[0]
        (run.path / "step-00000002" / part).write_bytes(whole)


# ---------------------------------------------------------------- saving again, pruning


def test_saving_the_same_step_twice(tmp_path):
    run = new_run(tmp_path, 1)
    path = save(run, 2)
    before = (path / "state.json").stat().st_mtime_ns, path.stat().st_ino
    save(run, 2)
    assert ((path / "state.json").stat().st_mtime_ns, path.stat().st_ino) == before
    run.log([{"eval": 1}])  # metrics_bytes changes: the snapshot is replaced
    save(run, 2)
    assert run.load()[0].state["metrics_bytes"] == run.metrics_size > 0
    (path / snapshot.WEIGHTS).write_bytes(b"damaged")
    save(run, 2)
    found, notices = run.load()
    check(found, 2)
    assert notices == []
    assert names(run.path, "step-*") == ["step-00000001", "step-00000002"]


def test_after_a_fall_back_the_good_one_stays(tmp_path):
    """A damaged directory never counts as one of the two that are kept."""
    run = new_run(tmp_path, 1, 5)
    (run.path / "step-00000005" / snapshot.WEIGHTS).write_bytes(b"")
    run = RunDir.open(run.path)
    check(run.load()[0], 1)
    save(run, 8)
    assert names(run.path, "step-*") == ["step-00000001", "step-00000008"]
    (run.path / "step-00000008" / snapshot.WEIGHTS).write_bytes(b"")
    run = RunDir.open(run.path)
    check(run.load()[0], 1)
    save(run, 3)  # earlier than the damaged one
    assert names(run.path, "step-*") == ["step-00000001", "step-00000003"]
    check(run.load()[0], 3)


def test_the_last_save_is_the_newest(tmp_path):
    run = new_run(tmp_path, 1, 8)
    save(run, 3)  # a caller that went back
    check(run.load()[0], 3)
    assert names(run.path, "step-*") == ["step-00000001", "step-00000003"]


def test_a_reader_looks_again_when_a_directory_is_pruned_under_it(tmp_path, monkeypatch):
    run = new_run(tmp_path, 1, 2)
    reader = RunDir.open(run.path)
    real = snapshot.read

    def slow(path, *more):
        if path.name == "step-00000002":
            save(run, 3)
            save(run, 4)
        return real(path, *more)

    monkeypatch.setattr(snapshot, "read", slow)
    found, notices = reader.load()
    check(found, 4)
    assert notices == []


# ---------------------------------------------------------------- lock

HOLDER = """
import sys
from microgpt.disk.checkpoint import RunDir
run = RunDir.open(sys.argv[1])
run.lock()
print("locked", flush=True)
sys.stdin.read()  # until it is killed
"""


def test_one_process_trains_a_run(tmp_path):
    run = new_run(tmp_path, 1)
    again = RunDir.open(run.path)
    save(again, 2)  # the same process may
    again.close()
    run.close()
    source = str(Path(checkpoint.__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": source},
    ) as holder:
        assert holder.stdout.readline().strip() == b"locked"
        for act in (lambda: save(run, 3), lambda: run.log([{}]), lambda: run.rewind_metrics(0)):
            with pytest.raises(FileError, match="Another process is training") as caught:
                act()
            assert caught.value.remedy
        check(run.load()[0], 2)  # readers may
        holder.kill()
        holder.wait()
    save(run, 3)  # the lock died with its process


def test_a_lock_on_a_run_that_was_deleted_is_not_taken_for_the_new_one(tmp_path):
    old = new_run(tmp_path, 1)
    shutil.rmtree(old.path)
    new = new_run(tmp_path, 1)
    assert new._lock is not old._lock
    check(new.load()[0], 1)


def test_without_locks_it_goes_on(tmp_path, monkeypatch):
    def unsupported(_, shared=False):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(files, "_lock_now", unsupported)
    check(new_run(tmp_path, 1).load()[0], 1)

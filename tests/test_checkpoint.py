"""Runs on disk: whatever is damaged, cut off or killed, a run loads whole or says what is wrong."""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from microgpt import checkpoint, files, snapshot
from microgpt.arrays import Optim
from microgpt.checkpoint import RunDir
from microgpt.config import Config
from microgpt.errors import CheckpointError, FileError, MicrogptError, NumbersError
from microgpt.model import init_weights

CONFIG = Config(n_embd=4, n_head=2, block_size=3, vocab_size=4)
VOCAB = {"type": "character", "uchars": ["a", "b", "c"]}
RUN = {"config": CONFIG.to_dict(), "data": {"name": "names.txt"}}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Waiting for the disk proves nothing here: no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


def weights(seed, dtype=np.float64):
    drawn = init_weights(CONFIG, random.Random(seed))
    return {name: np.array(matrix, dtype=dtype) for name, matrix in drawn.items()}


def optim(seed, step=0, dtype=np.float64):
    v = {name: array**2 for name, array in weights(seed + 2, dtype).items()}
    return Optim(weights(seed + 1, dtype), v, step)


def state(seed):
    return {"stream": list(random.Random(seed).getstate()[1]), "row": seed, "gauss": None}


def save(run, step):
    return run.save(step, weights(step), optim(step, step), state(step))


def new_run(tmp_path, *steps, name="run"):
    run = RunDir.create(tmp_path / name, RUN, VOCAB)
    for step in steps:
        save(run, step)
    return run


def same(a, b):
    assert list(a) == list(b)
    return all(a[n].dtype == b[n].dtype and a[n].tobytes() == b[n].tobytes() for n in b)


def check(found, step):
    """The snapshot must be all of what ``save(run, step)`` wrote."""
    assert found.step == found.state["step"] == step
    assert same(found.weights, weights(step))
    expected = optim(step, step)
    assert same(found.optim.m, expected.m)
    assert same(found.optim.v, expected.v)
    assert found.optim.step == step
    assert {k: found.state[k] for k in state(step)} == state(step)


def names(path, pattern="*"):
    return sorted(p.name for p in path.glob(pattern))


def copy(run, tmp_path, name):
    return Path(shutil.copytree(run.path, tmp_path / name))


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
    run = new_run(tmp_path, 1)
    (run.path / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match=match) as caught:
        RunDir.open(run.path)
    assert caught.value.remedy
    assert len(str(caught.value)) < 400 + len(str(run.path))


def test_a_newer_format_says_both_numbers_and_the_remedy(tmp_path):
    run = new_run(tmp_path, 1, 2)
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
    run = new_run(tmp_path, 1, 2)
    with (run.path / "run.json").open("r+b") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(CheckpointError, match="17,825,792 bytes, above the limit of 16,777,216"):
        RunDir.open(run.path)
    for part in (snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE):
        whole = (run.path / "step-00000002" / part).read_bytes()
        with (run.path / "step-00000002" / part).open("r+b") as file:
            file.truncate(10 * 2**30)  # a hole, no disk is used
        found, notices = run.load()
        check(found, 1)
        assert "above the limit" in notices[0]
        (run.path / "step-00000002" / part).write_bytes(whole)


# ---------------------------------------------------------------- damage


def flips(path, stride=97):
    data = path.read_bytes()
    places = {*range(0, len(data), stride), *range(max(0, len(data) - 90), len(data), 7)}
    for i in sorted(places):
        yield i, data[:i] + bytes([data[i] ^ (1 << (i % 8))]) + data[i + 1 :]


@pytest.mark.parametrize("part", [snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE])
def test_a_flipped_bit_falls_back_and_says_so(tmp_path, part):
    run = new_run(tmp_path, 1, 2)
    path = run.path / "step-00000002" / part
    good = path.read_bytes()
    for _, damaged in flips(path):
        path.write_bytes(damaged)
        found, notices = run.load()
        check(found, 1)
        assert len(notices) == 1
        assert notices[0].startswith("step-00000002 is damaged: ")
        assert notices[0].endswith(" step-00000001 is used.")
        assert "\n" not in notices[0]
    path.write_bytes(good)
    found, notices = run.load()
    check(found, 2)
    assert notices == []


@pytest.mark.parametrize("part", [snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE])
def test_a_cut_or_grown_file_falls_back(tmp_path, part):
    run = new_run(tmp_path, 1, 2)
    path = run.path / "step-00000002" / part
    good = path.read_bytes()
    cuts = [good[:n] for n in {0, 1, 7, 8, 9, len(good) - 1, *range(0, len(good), 211)}]
    for damaged in [*cuts, good + b"\n", good + good, b"\0" * len(good)]:
        path.write_bytes(damaged)
        found, notices = run.load()
        check(found, 1)
        assert len(notices) == 1
    path.unlink()
    check(run.load()[0], 1)
    path.mkdir()
    check(run.load()[0], 1)


@pytest.mark.parametrize("name", ["run.json", "vocab.json"])
def test_a_flipped_bit_in_the_constant_files_is_never_silent(tmp_path, name):
    run = new_run(tmp_path, 1, 2)
    path = run.path / name
    for _, damaged in flips(path, 11):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            RunDir.open(run.path).load()
        with pytest.raises(CheckpointError):  # in the other order
            vocab_then_load(run.path)


def vocab_then_load(path):
    run = RunDir.open(path)
    assert run.vocab is not None
    run.load()


def test_latest_damaged(tmp_path):
    run = new_run(tmp_path, 4, 5)
    latest = run.path / "latest"
    junk = [b"", b"../../etc", b"\xff\xfe", b"step-5", b"step-00000099\n", b"x" * 5000, b"/\0"]
    for damaged in [*(data for _, data in flips(latest, 1)), *junk]:
        latest.write_bytes(damaged)
        found, notices = run.load()
        check(found, 5)
        assert len(notices) == (damaged.strip() != b"step-00000005")
    latest.unlink()
    found, notices = run.load()
    check(found, 5)
    assert notices == ["`latest` is missing. step-00000005 is used."]
    latest.write_text("step-00000004\n")
    found, notices = run.load()
    check(found, 5)
    assert "step-00000005 is complete and newer" in notices[0]


def test_everything_damaged(tmp_path):
    run = new_run(tmp_path, 1, 2)
    (run.path / "step-00000002" / snapshot.WEIGHTS).write_bytes(b"")
    (run.path / "step-00000001" / snapshot.STATE).unlink()
    with pytest.raises(CheckpointError, match=r"step-00000002 is .*step-00000001 is ") as caught:
        run.load()
    assert caught.value.remedy
    for step in (1, 2):
        shutil.rmtree(run.path / f"step-0000000{step}")
    with pytest.raises(CheckpointError, match="lost its snapshots"):
        run.load()


def test_a_snapshot_of_another_run_or_step_is_refused(tmp_path):
    run = new_run(tmp_path, 1, 2)
    other = RunDir.create(tmp_path / "other", {**RUN, "seed": 43}, VOCAB)
    path = save(other, 3)
    shutil.copytree(path, run.path / path.name)
    found, notices = run.load()
    check(found, 2)
    assert "run.json has changed" in notices[0]
    shutil.rmtree(run.path / path.name)
    (run.path / "step-00000002").rename(run.path / "step-00000009")
    found, notices = run.load()
    check(found, 1)
    assert any("is of step 2" in notice for notice in notices)


def forge(run, step, **parts):
    """Replace files of a snapshot and make the digests right again, as an attacker would."""
    path = run.path / f"step-{step:08d}"
    content = json.loads((path / "state.json").read_text())
    content.pop("digest")
    for name, data in parts.items():
        (path / f"{name}.safetensors").write_bytes(data)
        content["sha256"][f"{name}.safetensors"] = snapshot.sha256(data)
    head = "{\n" + "".join(f"  {json.dumps(k)}: {json.dumps(v)},\n" for k, v in content.items())
    (path / "state.json").write_bytes(head.encode() + snapshot.digest_line(head.encode()))


def test_tensors_are_checked_even_with_right_digests(tmp_path):
    run = new_run(tmp_path, 1, 2)
    w = weights(2)
    nan = {**w, "wpe": np.full((3, 4), np.nan)}
    short = {**w, "wpe": np.zeros((2, 4))}
    half = {n: a.astype(np.float16) for n, a in w.items()}
    extra = {**w, "layer0.bias": np.zeros(1)}
    for arrays, match in [
        (nan, "a number in wpe that is not finite"),
        (short, r"wpe with shape \[2, 4\], must be \[3, 4\]"),
        (half, "wte as F16"),
        ({**w, "wte": w["wte"].astype(np.int64)}, "wte as I64"),
        (extra, r"unknown tensor layer0\.bias"),
        ({k: w[k] for k in w if k != "wte"}, "lacks tensor wte"),
        ({}, "fewer than the"),
    ]:
        forge(run, 2, weights=files.pack_tensors(arrays))
        found, notices = run.load()
        check(found, 1)

        assert re.search(match, notices[0]), notices
    forge(run, 2, weights=b"\x02" + bytes(7) + b"[]" + bytes(5000))
    assert "not a readable safetensors file" in run.load()[1][0]
    forge(run, 2, weights=b"\xff" * 6000)
    check(run.load()[0], 1)
    forge(run, 2, weights=files.pack_tensors(w), optim=files.pack_tensors({"m.wte": w["wte"]}))
    assert "lacks tensors" in run.load()[1][0]
    forge(run, 2, optim=files.pack_tensors({}))
    assert run.load()[0].optim.m == {}


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


# ---------------------------------------------------------------- killed, full disk, read-only

CALLS = ("fsync", "rename", "replace", "write", "mkdir", "open", "unlink", "rmdir")
"""What a save asks of the operating system."""


def count_calls(monkeypatch, act, at=None, names=CALLS, then=None):
    """Run ``act`` and count its calls into ``os``; the call number ``at`` runs ``then`` instead."""
    done = 0

    def wrap(real):
        def call(*args, **kwargs):
            nonlocal done
            done += 1
            if done == at:
                then()
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(os, name, wrap(getattr(os, name)))
        act()
    return done


def fail(number):
    def raise_it():
        raise OSError(number, os.strerror(number))

    return raise_it


def scenario(tmp_path, name):
    """A run, and the save that is interrupted: its step, and the step that may remain."""
    if name == "first":
        return new_run(tmp_path), 0, None
    if name == "next":
        return new_run(tmp_path, 1, 2), 3, 2
    run = new_run(tmp_path, *([1, 2] if name == "again" else [2]))  # "only": no other snapshot
    run.log([{"eval": 1}])  # so that step 2 isn't identical
    return run, 2, 2


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
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


# ---------------------------------------------------------------- metrics


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


# ---------------------------------------------------------------- lock

HOLDER = """
import sys, time
from microgpt.checkpoint import RunDir
run = RunDir.open(sys.argv[1])
run.lock()
print("locked", flush=True)
time.sleep(60)
"""


def test_one_process_trains_a_run(tmp_path):
    run = new_run(tmp_path, 1)
    again = RunDir.open(run.path)
    save(again, 2)  # the same process may
    again.close()
    run.close()
    source = str(Path(checkpoint.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)],
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
    def unsupported(_):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(files, "_lock_now", unsupported)
    check(new_run(tmp_path, 1).load()[0], 1)


# ---------------------------------------------------------------- files.py by itself


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

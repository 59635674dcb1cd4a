"""Runs on disk that were damaged: an older snapshot is used, and what is wrong is said."""

import json
import re
import shutil

import numpy as np
import pytest

from checkpoint_runs import RUN, VOCAB, check, flips, new_run, save, weights
from microgpt import files
from microgpt.disk import snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import CheckpointError

pytestmark = pytest.mark.usefixtures("no_fsync")


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

"""New runs: where they may begin, what they keep, their numbers, and links that lead nowhere."""

import json
import os
import subprocess
import sys

import pytest

from checkpoint_runs import RUN, VOCAB, check, names, save
from cli_runner import SRC, posix
from microgpt import files
from microgpt.disk.checkpoint import RunDir
from microgpt.disk.runcheck import check_run
from microgpt.errors import FileError

pytestmark = pytest.mark.usefixtures("no_fsync")

TEXT = "ada\nevä\n".encode()


def test_data_that_cannot_be_read_again_is_kept(tmp_path):
    run = RunDir.create(tmp_path / "run", RUN, VOCAB, kept=TEXT)
    save(run, 0)
    assert (run.path / "data.txt").read_bytes() == TEXT
    kept = json.loads((run.path / "run.json").read_text())["kept"]
    assert kept["file"] == "data.txt" and kept["bytes"] == len(TEXT) and len(kept["sha256"]) == 64
    again = RunDir.open(run.path)
    assert again.run["kept"] == kept
    check(again.load()[0], 0)
    assert {f.state for f in check_run(run.path) if f.file == "data.txt"} == {"ok"}
    (run.path / "data.txt").write_bytes(TEXT[:-1])
    assert {f.state for f in check_run(run.path) if f.file == "data.txt"} == {"damaged"}
    (run.path / "data.txt").unlink()
    assert {f.state for f in check_run(run.path) if f.file == "data.txt"} == {"damaged"}


def test_the_kept_data_is_there_before_run_json(tmp_path, monkeypatch):
    order = []
    real = files.write_atomic
    monkeypatch.setattr(
        files, "write_atomic", lambda path, data: (order.append(path.name), real(path, data))
    )
    RunDir.create(tmp_path / "run", RUN, VOCAB, kept=TEXT)
    assert order == ["data.txt", "vocab.json", "run.json"]


@pytest.mark.parametrize("kept", [TEXT, None])
def test_data_of_a_killed_creation_is_accepted(tmp_path, kept):
    path = tmp_path / "run"
    path.mkdir()
    for name in (".lock", "data.txt"):
        (path / name).write_text("half")
    run = RunDir.create(path, RUN, VOCAB, kept)
    assert ("data.txt" in names(path)) == (kept is not None)
    assert kept is None or (path / "data.txt").read_bytes() == kept
    save(run, 0)


def test_a_data_txt_of_somebody_is_not_touched(tmp_path):
    (tmp_path / "data.txt").write_text("years of work")
    with pytest.raises(FileError, match=r"not empty: it holds 'data\.txt'"):
        RunDir.create(tmp_path, RUN, VOCAB, kept=TEXT)
    assert names(tmp_path) == ["data.txt"]
    assert (tmp_path / "data.txt").read_text() == "years of work"


def test_numbers_are_above_all_that_are_there(tmp_path):
    folder = tmp_path / "deep" / "runs"
    for expected in ("a.b-1", "a.b-2"):
        assert RunDir.create_numbered(folder, "a.b", RUN, VOCAB).path == folder / expected
    for name in ("a.b-7", "axb-9", "a.b-08x", "a.b-", "other-20"):
        (folder / name).mkdir()
    run = RunDir.create_numbered(folder, "a.b", RUN, VOCAB, TEXT)
    assert run.path.name == "a.b-8"
    assert (run.path / "data.txt").read_bytes() == TEXT
    save(run, 0)


def test_a_numbered_run_that_fails_leaves_no_directory(tmp_path, monkeypatch):
    def full(path, data):
        if path.name == "run.json":
            raise FileError("the disk is full", "Free some space.")
        path.write_bytes(data)

    monkeypatch.setattr(files, "write_atomic", full)
    with pytest.raises(FileError, match="full"):
        RunDir.create_numbered(tmp_path, "run", RUN, VOCAB, TEXT)
    assert names(tmp_path) == []


STARTER = """
import json, sys
from pathlib import Path
from microgpt.disk.checkpoint import RunDir
run, vocab = json.loads(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()  # all start at once
print(RunDir.create_numbered(Path(sys.argv[1]), "names", run, vocab, b"text").path.name)
"""


def test_eight_processes_at_once_each_get_their_own(tmp_path):
    arguments = [sys.executable, "-c", STARTER, tmp_path / "runs", json.dumps([RUN, VOCAB])]
    processes = [
        subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert sorted(told) == names(tmp_path / "runs") == [f"names-{i}" for i in range(1, 9)]
    for name in told:
        assert RunDir.open(tmp_path / "runs" / name).run["config"] == RUN["config"]


def test_every_new_directory_is_synced_into_the_one_above(tmp_path, monkeypatch):
    synced = []
    real = files.sync_directory
    monkeypatch.setattr(files, "sync_directory", lambda path: (synced.append(path), real(path)))
    RunDir.create(tmp_path / "a" / "b" / "run", RUN, VOCAB)
    assert synced[:3] == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    synced.clear()
    run = RunDir.create_numbered(tmp_path / "a" / "c", "x", RUN, VOCAB)
    assert synced[:2] == [tmp_path / "a", tmp_path / "a" / "c"]
    assert run.path == tmp_path / "a" / "c" / "x-1"


@posix
def test_a_link_that_leads_nowhere_is_named_with_its_target(tmp_path):
    (tmp_path / "link").symlink_to("gone/far")
    for path in (tmp_path / "link", tmp_path / "link" / "run"):
        with pytest.raises(FileError) as caught:
            RunDir.create(path, RUN, VOCAB)
        assert caught.value.message == (
            f"{tmp_path / 'link'} is a link to {tmp_path / 'gone' / 'far'}, which does not exist."
        )
        assert caught.value.remedy
    with pytest.raises(FileError, match="which does not exist"):
        RunDir.create_numbered(tmp_path / "link", "x", RUN, VOCAB)
    with pytest.raises(FileError) as caught:
        files.write_atomic(tmp_path / "link", b"x")
    assert caught.value.message == (
        f"Can't write {tmp_path / 'link'}: it is a link to {tmp_path / 'gone' / 'far'}, and there "
        f"is no directory {tmp_path / 'gone'}."
    )
    (tmp_path / "gone").mkdir()
    files.write_atomic(tmp_path / "link", b"x")  # the file alone is missing: it is made
    assert (tmp_path / "gone" / "far").read_bytes() == b"x"
    (tmp_path / "gone" / "far").unlink()
    (tmp_path / "gone" / "far").mkdir()
    save(RunDir.create(tmp_path / "link", RUN, VOCAB), 0)  # a link to a directory is as good
    assert names(tmp_path / "gone" / "far", "run.json")

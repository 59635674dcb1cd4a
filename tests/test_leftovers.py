"""What killed processes leave is removed by the next; what a living one works on never is."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoint_runs import names, new_run, save
from cli_runner import SRC, posix
from microgpt import files, leftovers
from microgpt.disk.checkpoint import RunDir

pytestmark = [posix, pytest.mark.usefixtures("no_fsync")]

HEX = "0123456789ab"


@contextlib.contextmanager
def busy(program, *arguments):
    """A process that works on something, and has said so; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    ) as process:
        assert process.stdout.readline().strip() == b"busy"
        try:
            yield process
        finally:
            process.kill()
            assert process.wait() == -signal.SIGKILL


WRITING = """
import os, sys
from microgpt import files
real = os.write
def write(fd, data):
    real(1, b"busy\\n")
    sys.stdin.read()  # until it is killed
os.write = write
files.write_atomic(sys.argv[1], b"half")
"""


def test_a_killed_writers_file_goes_with_the_next_write_of_the_same_target(tmp_path):
    target = tmp_path / "model.json"
    with busy(WRITING, target):
        (left,) = names(tmp_path)
        assert left.startswith(".tmp-model.json-")
        files.write_atomic(target, b"one")
        assert names(tmp_path) == [left, "model.json"]  # it is alive
    files.write_atomic(tmp_path / "other.json", b"x")
    assert left in names(tmp_path)  # not of this target
    files.write_atomic(target, b"two")
    assert names(tmp_path) == ["model.json", "other.json"]
    assert target.read_bytes() == b"two"


def test_only_names_of_exactly_this_target_go(tmp_path):
    keep = [
        f".tmp-a-b-{HEX}",
        f".tmp-a-{HEX}x",
        f".tmp-a-{HEX[:-1]}",
        f".tmp-a-{HEX[:-1]}G",
        f".tmp-aa-{HEX}",
        f"tmp-a-{HEX}",
        f".tmp-a-{HEX}-{HEX}",
    ]
    for name in [*keep, f".tmp-a-{HEX}", ".tmp-a-ffffffffffff"]:
        (tmp_path / name).write_text("")
    (tmp_path / "target").write_text("mine")
    (tmp_path / ".tmp-a-000000000000").symlink_to(tmp_path / "target")
    files.write_atomic(tmp_path / "a", b"")
    assert names(tmp_path) == sorted([*keep, "a", "target", ".tmp-a-000000000000"])


def test_other_users_files_stay(tmp_path, monkeypatch):
    (tmp_path / f".tmp-a-{HEX}").write_text("")
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    leftovers.sweep(tmp_path, ".tmp-a-")
    assert names(tmp_path) == [f".tmp-a-{HEX}"]
    monkeypatch.undo()
    leftovers.sweep(tmp_path, ".tmp-a-")
    leftovers.sweep(tmp_path / "none", ".tmp-a-")
    assert names(tmp_path) == []


def test_a_file_that_is_swept_before_it_is_held_is_made_again(tmp_path, monkeypatch):
    real = leftovers.hold

    def late(fd):
        monkeypatch.setattr(leftovers, "hold", real)
        leftovers.sweep(tmp_path, ".tmp-a-")
        return real(fd)

    monkeypatch.setattr(leftovers, "hold", late)
    files.write_atomic(tmp_path / "a", b"whole")
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"whole"


FOLDER = """
import sys
from pathlib import Path
from microgpt import leftovers
folder, fd = leftovers.new_folder(Path(sys.argv[1]), "some-")
(folder / "part").write_text("half")
print("busy", flush=True)
sys.stdin.read()
"""


def test_folders(tmp_path):
    with busy(FOLDER, tmp_path):
        (left,) = names(tmp_path)
        leftovers.sweep(tmp_path, "some-")
        assert names(tmp_path / left) == ["part"]
    leftovers.sweep(tmp_path, "some-")
    assert names(tmp_path) == []
    with leftovers.hidden_folder(tmp_path / "site") as folder:
        (folder / "x").write_text("")
        leftovers.sweep(tmp_path, ".tmp-site-")
        assert names(folder) == ["x"]
    assert names(tmp_path) == []


def test_a_run_opened_for_writing_sweeps_what_a_killed_save_left(tmp_path):
    run = new_run(tmp_path, 1)
    run.close()
    left = [f".tmp-step-00000002-{HEX}", f".tmp-gone-{HEX}", f".tmp-latest-{HEX}"]
    for name in left[:2]:
        (run.path / name).mkdir()
        (run.path / name / "weights.safetensors").write_text("")
    (run.path / left[2]).write_text("")
    foreign = run.path / f".tmp-mine-{HEX}"  # a folder that no run makes, held by somebody
    foreign.mkdir()
    fd = os.open(foreign, os.O_RDONLY)
    leftovers.hold(fd)
    again = RunDir.open(run.path)
    again.load()
    assert set(left) <= set(names(run.path))  # readers change nothing
    again.lock()
    assert not set(left) & set(names(run.path))
    save(again, 2)
    assert foreign.is_dir()
    os.close(fd)


GRADING = """
import sys
from microgpt.assignment.box import site
site._base(False)
print("busy", flush=True)
sys.stdin.read()
"""


def test_folders_of_killed_graders_go(tmp_path, monkeypatch):
    import tempfile

    from microgpt.assignment.box import site

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (tmp_path / "microgpt-grade-teachers").mkdir()  # somebody else's
    with busy(GRADING):
        (dead,) = set(names(tmp_path)) - {"microgpt-grade-teachers"}
    with busy(GRADING):
        (alive,) = set(names(tmp_path)) - {"microgpt-grade-teachers"}
        assert alive != dead
        site._base(False)
        assert alive in names(tmp_path)
        assert (tmp_path / alive).stat().st_mode & 0o777 == 0o700


def test_the_guides_export_sweeps_its_own(tmp_path):
    from microgpt.cli.guide import export_site

    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<p>")
    (tmp_path / "out").mkdir()
    for name in (f".tmp-guide-{HEX}", f".tmp-other-{HEX}"):
        Path(tmp_path / "out" / name / "site").mkdir(parents=True)
    export_site(tmp_path / "site", tmp_path / "out" / "guide")
    assert names(tmp_path / "out") == [f".tmp-other-{HEX}", "guide"]
    assert names(tmp_path / "out" / "guide") == ["index.html"]

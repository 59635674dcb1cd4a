"""run.json and the tokenizer's file damaged or gone: a copy is used, said, and put back."""

import json
import shutil

import pytest

from checkpoint_runs import RUN, VOCAB, check, flips, new_run, save, without_copies
from cli_runner import ok, tree
from microgpt.disk import snapshot
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import CheckpointError, FileError

pytestmark = pytest.mark.usefixtures("no_fsync")

EACH = pytest.mark.parametrize("name", ["run.json", "vocab.json", "tokenizer.json"])
PAIRS = ("tokenizer.json", json.dumps(VOCAB).encode())


def begun(tmp_path, name, *steps):
    """A run whose tokenizer is kept in the file ``name``, if that is one."""
    run = RunDir.create(tmp_path / "run", RUN, PAIRS if name == "tokenizer.json" else VOCAB)
    for step in steps:
        save(run, step)
    return run


@EACH
def test_a_flipped_bit_is_told_and_the_copy_is_used(tmp_path, name):
    run = begun(tmp_path, name, 1, 2)
    path = run.path / name
    for _, damaged in flips(path, 11):
        path.write_bytes(damaged)
        again = RunDir.open(run.path)
        found, notices = again.load()
        check(found, 2)
        assert notices == [f"{name} is damaged: the copy in step-00000002 is used."]
        assert again.load()[1] == notices  # said each time
        assert (again.run, again.vocab) == (run.run, VOCAB)
        again = RunDir.open(run.path)
        assert again.vocab == VOCAB  # in the other order
        assert again.load()[1] == notices
        assert path.read_bytes() == damaged  # a reader changes nothing


@EACH
@pytest.mark.parametrize("damage", ["unlink", "touch", "mkdir", "grow"])
def test_whatever_happened_to_it(tmp_path, name, damage):
    run = begun(tmp_path, name, 1, 2)
    path = run.path / name
    if damage == "grow":
        path.write_bytes(path.read_bytes() + b"\0" * 65 * 2**20)
    else:
        path.unlink()
        getattr(path, damage if damage != "unlink" else "exists")()
    again = RunDir.open(run.path)
    found, notices = again.load()
    check(found, 2)
    assert again.vocab == VOCAB
    what = "is missing" if damage == "unlink" else "is damaged"
    assert notices == [f"{name} {what}: the copy in step-00000002 is used."]


@EACH
def test_who_writes_puts_it_back(tmp_path, name):
    run = begun(tmp_path, name, 1, 2)
    good = (run.path / name).read_bytes()
    run.close()
    for early in (True, False):  # the lock is taken before it is noticed, or after
        (run.path / name).write_bytes(b"{}")
        again = RunDir.open(run.path)
        if not early:
            assert again.vocab == VOCAB
        again.lock()
        _, notices = again.load()
        said = f"{name} is damaged: the copy in step-00000002 is used and was put back."
        assert notices == [said]
        assert (run.path / name).read_bytes() == good
        again.close()
        assert RunDir.open(run.path).load()[1] == []


@EACH
def test_an_older_copy_where_the_newest_is_damaged_too(tmp_path, name):
    run = begun(tmp_path, name, 1, 2)
    (run.path / name).write_bytes(b"")
    (run.path / "step-00000002" / name).write_bytes(b"[]")
    found, notices = RunDir.open(run.path).load()
    check(found, 2)  # whose weights are good
    assert notices == [f"{name} is damaged: the copy in step-00000001 is used."]
    (run.path / "step-00000001" / "state.json").unlink()  # nothing says that this copy is good
    with pytest.raises(CheckpointError):
        RunDir.open(run.path).load()


def test_both_at_once(tmp_path):
    run = new_run(tmp_path, 1, 2)
    for name in ("run.json", "vocab.json"):
        (run.path / name).unlink()
    (run.path / "step-00000002" / snapshot.WEIGHTS).write_bytes(b"")
    found, notices = RunDir.open(run.path).load()
    check(found, 1)
    assert [line.split(" is ")[0] for line in notices] == [
        *("run.json", "vocab.json", "step-00000002")
    ]


@EACH
def test_a_damaged_copy_harms_nobody_and_the_next_save_has_a_good_one(tmp_path, name):
    run = begun(tmp_path, name, 1, 2)
    copy = run.path / "step-00000002" / name
    good = copy.read_bytes()
    copy.write_bytes(b"")
    again = RunDir.open(run.path)
    found, notices = again.load()
    check(found, 2)
    assert notices == []
    save(again, 2)  # the same once more
    assert copy.read_bytes() == good


@EACH
def test_runs_without_copies_open_and_get_them(tmp_path, name):
    run = without_copies(begun(tmp_path, name, 1, 2))
    again = RunDir.open(run.path)
    assert again.load()[1] == []
    good = (run.path / name).read_bytes()
    (run.path / name).write_bytes(good + b" ")
    with pytest.raises(CheckpointError, match="has changed since it was saved"):
        RunDir.open(run.path).load()
    (run.path / name).unlink()
    with pytest.raises(CheckpointError) as caught:
        RunDir.open(run.path).load()
    assert caught.value.remedy
    (run.path / name).write_bytes(good)
    save(again, 3)
    assert (run.path / "step-00000003" / name).read_bytes() == good


def test_a_file_that_may_not_be_read_is_not_damaged(tmp_path, monkeypatch):
    run = new_run(tmp_path, 1)
    real = type(run.path).open

    def denied(path, *more):
        if path == run.path / "run.json":
            raise PermissionError(13, "no")
        return real(path, *more)

    monkeypatch.setattr(type(run.path), "open", denied)
    with pytest.raises(FileError, match="permission is denied"):
        RunDir.open(run.path)


def test_a_snapshot_of_another_run_does_not_replace_the_original(tmp_path):
    """The run's own file counts as long as one snapshot vouches for it."""
    run = new_run(tmp_path, 1, 2)
    other = RunDir.create(tmp_path / "other", {**RUN, "seed": 43}, {**VOCAB, "uchars": [*"xyz"]})
    path = save(other, 3)
    shutil.copytree(path, run.path / path.name)
    (run.path / "vocab.json").write_bytes(b"")
    again = RunDir.open(run.path)
    found, notices = again.load()
    check(found, 2)
    assert (again.run, again.vocab) == (run.run, VOCAB)
    assert notices[0] == "vocab.json is damaged: the copy in step-00000002 is used."


def test_commands_say_it_in_one_line_and_resume_mends(finished):
    good = tree(finished)
    for name in ("run.json", "vocab.json"):
        content = json.loads(good[name])
        (finished / name).write_text(json.dumps({**content, "seed": 5}))
        line = f"note: {name} is damaged: the copy in step-00000012 is used"
        for command in (["sample", finished], ["eval", finished, "own.txt"]):
            assert ok(*command).err.splitlines() == [f"{line}."]
        assert f"{line} and was put back.\n" in ok("train", "--resume", finished).err
        assert tree(finished)[name] == good[name]
        assert ok("sample", finished).err == ""

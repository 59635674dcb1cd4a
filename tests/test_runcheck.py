"""``microgpt doctor RUN``: every file of a run is read, and what is wrong with it is said."""

import re

import pytest

from checkpoint_runs import new_run, save, without_copies
from cli_runner import microgpt, ok, tree
from microgpt.disk import snapshot
from microgpt.disk.runcheck import check_run

pytestmark = pytest.mark.usefixtures("no_fsync")


@pytest.fixture
def run(tmp_path):
    """Two snapshots, a log of three lines, of which two were recorded."""
    made = new_run(tmp_path, 0)
    made.log([{"step": 1}, {"step": 2}])
    save(made, 2)
    made.log([{"step": 3}])
    made.close()
    return made


def found(run, state="damaged"):
    return {f.file: f.says for f in check_run(run.path) if f.state == state}


def test_a_good_run(run):
    before = tree(run.path)
    assert [(f.file, f.state) for f in check_run(run.path)] == [
        ("run.json", "ok"),
        ("vocab.json", "ok"),
        ("step-00000002", "ok"),
        ("step-00000000", "ok"),
        ("latest", "ok"),
        ("metrics.jsonl", "ok"),
        (".lock", "ok"),
    ]
    result = ok("doctor", run.path)
    assert re.search(
        r"^metrics\.jsonl  ok       3 lines, the first 24 of 36 bytes", result.out, re.M
    )
    (line,) = ok("doctor", run.path, "--json").lines
    assert line["doctor"]["good"] is True
    assert [f["state"] for f in line["doctor"]["files"]] == ["ok"] * 7
    assert tree(run.path) == before


EVERY = ["run.json", "vocab.json", "latest", "metrics.jsonl"]
EVERY += [
    f"step-0000000{step}/{name}"
    for step in (0, 2)
    for name in (snapshot.WEIGHTS, snapshot.OPTIM, snapshot.STATE, "run.json", "vocab.json")
]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_no_damage_is_overlooked(run, name, damage):
    path = run.path / name
    data = path.read_bytes()
    at = len(data) // 3
    path.unlink()
    if damage == "flipped":
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    elif damage == "cut":
        path.write_bytes(data[:at])
    before = tree(run.path)
    result = microgpt("doctor", run.path)
    assert result.code == 3
    said = found(run)
    assert list(said) == [name.split("/")[0]]
    assert said[name.split("/")[0]] in result.out
    assert f"{run.path} is damaged: {name.split('/')[0]}." in result.err
    *_, last = microgpt("doctor", run.path, "--json").lines
    assert last["error"]["code"] == 3 and last["error"]["remedy"]
    assert tree(run.path) == before


def test_a_run_without_any_good_run_json(run):
    without_copies(run)
    (run.path / "run.json").write_bytes(b"{")
    assert "is not readable JSON" in found(run)["run.json"]
    (run.path / "run.json").unlink()
    assert "there is no such file" in found(run)["run.json"]


def test_an_older_version_s_run_is_no_damage(run):
    for path in run.path.glob("step-*/state.json"):
        head = re.sub(rb' *"metrics_sha256": .*\n', b"", path.read_bytes()).split(b'  "digest"')[0]
        path.write_bytes(head + snapshot.digest_line(head))
    without_copies(run)
    assert list(found(run, "note")) == ["step-00000002", "step-00000000"]
    assert ok("doctor", run.path)


def test_lines_of_the_log_beyond_what_was_recorded(run):
    path = run.path / "metrics.jsonl"
    path.write_bytes(path.read_bytes() + b'{"step": 4}\n{"st\n{"step"')
    assert found(run)["metrics.jsonl"].startswith("line 5 is not readable JSON")
    path.write_bytes(path.read_bytes().replace(b'{"st\n', b""))
    assert not found(run)
    assert "the last line is cut off" in found(run, "note")["metrics.jsonl"]


def test_what_a_kill_leaves_is_no_damage(run):
    (run.path / ".tmp-step-00000004-0123456789ab").mkdir()
    (run.path / "latest").write_text("step-00000000\n")
    assert not found(run)
    assert found(run, "note") == {
        "latest": "names step-00000000, though step-00000002 is newer",
        ".tmp-step-00000004-0123456789ab": (
            "left by a process that was killed: the next training removes it"
        ),
    }


def test_a_run_that_is_being_trained(run):
    run.lock()
    (run.path / ".tmp-step-00000004-0123456789ab").mkdir()
    assert found(run, "note")[".lock"] == "a process is training this run"
    assert found(run, "note")[".tmp-step-00000004-0123456789ab"] == "being written"
    run.close()
    assert found(run, "ok")[".lock"] == "no process is training this run"


def test_before_the_first_save(tmp_path):
    run = new_run(tmp_path)
    run.close()
    assert found(run, "note") == {"step-*": "nothing was saved yet"}
    assert ok("doctor", run.path)


def test_what_is_no_run(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        result = microgpt("doctor", path)
        assert result.code == 3 and str(path) in result.err
    assert not list(tmp_path.iterdir())

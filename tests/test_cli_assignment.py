"""``microgpt assignment``: keys, kits for a class, the teacher's folder, Classroom's workflow."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli_runner import ok, refused, tree
from microgpt import __version__
from microgpt.assignment.kit import files as kit
from microgpt.assignment.kit.variants import read_key, write_key


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "teacher.key"
    ok("assignment", "key", path)
    return path


def test_key_file(key: Path, tmp_path: Path) -> None:
    assert len(read_key(key)) == 32
    if sys.platform != "win32":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "never overwritten" in refused(3, "assignment", "key", key)
    assert write_key(tmp_path / "other") != read_key(key)
    for content in (b"", b"ab", b"g" * 64, b"0" * 63, b"0" * 66, b"\xff" * 64, b"0" * 5000):
        bad = tmp_path / "bad"
        bad.write_bytes(content)
        said = refused(3, "assignment", "new", tmp_path / "x", "--student", "ada", "--key", bad)
        assert "isn't a key" in said
    refused(3, "assignment", "new", tmp_path / "x", "--student", "ada", "--key", tmp_path / "gone")
    assert "directory" in refused(3, "assignment", "key", tmp_path / "no" / "key")
    assert not (tmp_path / "x").exists()


def test_class_of_a_hundred(key: Path, tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    ids = [f"s{n:03}" for n in range(100)]
    roster.write_text("id,name,email\n" + "".join(f"{i},Name {i},{i}@x.example\n" for i in ids))
    out = tmp_path / "kits"
    assert "100 kits" in ok("assignment", "new", "--roster", roster, out, "--key", key).out
    assert sorted(path.name for path in out.iterdir()) == ids
    first = tree(out)
    assert len(first) == 100 * len(kit.kit_files())
    for name, data in kit.kit_files("s042", read_key(key)).items():
        assert first[f"s042{os.sep}{name}"] == data
    (out / "s007" / "bot.py").unlink()
    said = refused(3, "assignment", "new", "--roster", roster, out, "--key", key)
    assert "s007" in said
    (out / "s007" / "bot.py").write_bytes(first[f"s007{os.sep}bot.py"])
    ok("assignment", "new", "--roster", roster, out, "--key", key)
    assert tree(out) == first


def test_odd_rosters(key: Path, tmp_path: Path) -> None:
    for ids in (["ada", "Ada"], ["ada", "ada"], ["ada", ".."], ["ada", "con"], ["=1+1"], ["a b"]):
        roster = tmp_path / "class.csv"
        roster.write_text("id,name\n" + "".join(f"{i},Name\n" for i in ids))
        refused(2, "assignment", "new", "--roster", roster, tmp_path / "out", "--key", key)
        assert not (tmp_path / "out").exists()


def test_flags_that_do_not_fit(key: Path, tmp_path: Path) -> None:
    out = tmp_path / "kit"
    assert "fruits" in refused(2, "assignment", "new", out, "--category", "nosuch")
    assert "--key" in refused(2, "assignment", "new", out, "--student", "ada")
    assert "--key" in refused(2, "assignment", "new", out, "--roster", "class.csv")
    assert "--student" in refused(2, "assignment", "new", out, "--key", key)
    refused(2, "assignment", "new", out, "--student", "a", "--roster", "b.csv", "--key", key)
    refused(3, "assignment", "new", out, "--roster", tmp_path / "gone.csv", "--key", key)
    refused(2, "assignment", "new")
    refused(2, "assignment", "nosuch")
    assert not out.exists()


def test_teacher(tmp_path: Path) -> None:
    ok("assignment", "teacher", tmp_path / "t")
    assert set(tree(tmp_path / "t")) == {"README.md", "solution.py", "model.json"}
    refused(3, "assignment", "teacher", tmp_path)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "t" / "solution.py")],
        input=b"j\nappl\nalim\n",
        capture_output=True,
        check=True,
    )
    assert [line.split(b":")[0] for line in done.stdout.splitlines()] == [
        b"OK", b"REFUSE", b"REFUSE",
    ]  # fmt: skip


def test_workflow(tmp_path: Path) -> None:
    said = ok("assignment", "workflow", tmp_path).out
    path = tmp_path / ".github" / "workflows" / "classroom.yml"
    assert str(path) in said
    text = path.read_text()
    assert f'pip install "microgpt=={__version__}"' in text
    assert "microgpt grade . --out graded --format classroom" in text
    ok("assignment", "workflow", tmp_path)
    path.write_text("own: steps\n")
    assert "already exists and is different" in refused(2, "assignment", "workflow", tmp_path)
    assert path.read_text() == "own: steps\n"
    assert "not a folder" in refused(2, "assignment", "workflow", tmp_path / "gone")

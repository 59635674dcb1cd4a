"""The archive for Gradescope: what is in it, and that it runs with nothing else."""

import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from microgpt.assignment.reports import autograder
from microgpt.data import bundled as real
from microgpt.errors import FileError, InputError

ROOT = Path(__file__).resolve().parent.parent
KEY = b"5eed" * 16 + b"\n"


def test_the_archive_is_whole_and_the_same_every_time(tmp_path):
    data = autograder.build()
    assert data == autograder.build()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        everything = b"".join(archive.read(info) for info in archive.infolist())
    assert list(infos) == sorted(infos)
    assert {info.date_time for info in infos.values()} == {(1980, 1, 1, 0, 0, 0)}
    for name in ("setup.sh", "run_autograder"):
        assert infos[name].external_attr >> 16 == stat.S_IFREG | 0o755
    for name in (
        "src/microgpt/assignment/reports/page.css",
        "data/model.json",
        "data/names.txt",
        "data/fruits.toml",
        "data/kit/bot.py",
    ):
        assert name in infos, name
    assert not [n for n in infos if "secret" in n or "solution" in n or "__pycache__" in n]
    assert not [n for n in infos if n.startswith("/") or ".." in n or n.endswith((".so", ".pyc"))]
    assert str(ROOT).encode() not in everything
    assert b"index-url" not in everything


def test_what_gradescope_installs_is_the_lock_line_by_line():
    """Every hash of the lock and no other, no address, and setup.sh takes nothing without one."""
    with zipfile.ZipFile(io.BytesIO(autograder.build())) as archive:
        text = archive.read("requirements.txt").decode()
        setup = archive.read("setup.sh").decode()
    lock = (ROOT / "requirements" / "grader.txt").read_text("utf-8")
    packages = re.split(r"\n(?=\w)", text.rstrip("\n"))
    assert [p.split("==")[0] for p in packages] == list(autograder.NEEDED)
    for package in packages:
        assert f"\n{package}\n" in lock and not lock.split(package)[1].startswith("\n ")
        first, *hashes = package.split(" \\\n    ")
        assert re.fullmatch(r"[a-z]+==[0-9.]+", first)
        assert hashes and all(re.fullmatch("--hash=sha256:[0-9a-f]{64}", h) for h in hashes)
    (install,) = [line for line in setup.splitlines() if "pip" in line and " install " in line]
    assert "--require-hashes" in install and "--only-binary :all:" in install
    assert not re.search(r"https?:|index-url|--trusted-host", text + setup)


def test_an_installation_without_the_lock_is_told(tmp_path, monkeypatch):
    (tmp_path / "grader.txt").write_text("numpy==2.4.6\nsafetensors==0.8.0 \\\n")
    monkeypatch.setattr(autograder, "bundled", lambda _: tmp_path / "grader.txt")
    with pytest.raises(FileError, match="doesn't pin numpy and safetensors with hashes"):
        autograder.build()


def test_the_key_is_inside_only_if_it_is_given(tmp_path):
    autograder.write(tmp_path / "a.zip", key=KEY, class_list=b"id,name\n1,Jane\n")
    assert stat.S_IMODE((tmp_path / "a.zip").stat().st_mode) & 0o077 == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.read(autograder.SECRET) == KEY
        assert archive.getinfo(autograder.SECRET).external_attr >> 16 == stat.S_IFREG | 0o600
        assert b"holds the key" in archive.read("README.txt")
    assert KEY.strip() not in autograder.build()
    for wrong in (b"", b"x" * 5000):
        with pytest.raises(InputError, match="key has"):
            autograder.build(key=wrong)


def test_pinned_wheels_go_along_and_no_others(tmp_path, monkeypatch):
    numpy, other = tmp_path / "numpy-2.1-cp312-cp312-x.whl", tmp_path / "safetensors-1-x.whl"
    lock = tmp_path / "grader.txt"
    lock.write_text(
        f"numpy==2.1 \\\n    --hash=sha256:{hashlib.sha256(b'PK').hexdigest()}\n"
        f"safetensors==1 \\\n    --hash=sha256:{hashlib.sha256(b'PK2').hexdigest()}\n"
    )
    monkeypatch.setattr(autograder, "bundled", lambda name: lock if "req" in name else real(name))
    with pytest.raises(InputError, match="no wheel of numpy or safetensors") as caught:
        autograder.build(wheels=tmp_path)
    assert "pip download" in caught.value.remedy
    assert caught.value.remedy.endswith("in Gradescope's image.")
    assert "numpy==2.1 safetensors==1;" in caught.value.remedy
    numpy.write_bytes(b"PK")
    with pytest.raises(InputError, match="no wheel of safetensors in"):
        autograder.build(wheels=tmp_path)
    other.write_bytes(b"another")
    with pytest.raises(InputError, match=r"x\.whl is not among the files"):
        autograder.build(wheels=tmp_path)
    other.write_bytes(b"PK2")
    with zipfile.ZipFile(io.BytesIO(autograder.build(wheels=tmp_path))) as archive:
        assert archive.read("wheels/numpy-2.1-cp312-cp312-x.whl") == b"PK"


@pytest.mark.parametrize("script", [autograder._SETUP, autograder._RUN])
def test_the_scripts_are_bash(script, require_program):
    checked = subprocess.run(
        [require_program("bash"), "-n"], input=script, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("metadata", "student"),
    [
        ('{"users": [{"email": "j@x.org", "id": 5}]}', "1234"),
        ('{"users": [{"email": "e@x.org", "id": 5}]}', "e@x.org"),
        ('{"users": [{"id": 5}]}', "5"),
        ('{"users": []}', "student"),
        ('{"users": 7}', "student"),
        ("[", "student"),
        (None, "student"),
    ],
)
def test_who_submitted(tmp_path, metadata, student):
    (tmp_path / "source" / "secret").mkdir(parents=True)
    (tmp_path / "source" / autograder.ROSTER).write_text("id,name,email\n1234,Jane,j@x.org\n")
    if metadata is not None:
        (tmp_path / "submission_metadata.json").write_text(metadata)
    assert autograder._student(tmp_path) == student


def unpack(tmp_path: Path, submission: dict[str, bytes], key: bytes | None = KEY) -> Path:
    """Gradescope's layout: what its machine makes of the archive and of a submission."""
    root = tmp_path / "autograder"
    with zipfile.ZipFile(io.BytesIO(autograder.build(key=key))) as archive:
        for info in archive.infolist():
            path = root / "source" / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(info))
            path.chmod((info.external_attr >> 16) & 0o777)
    native = "src/microgpt/engines/native"
    for library in (ROOT / native).glob("libmicrogpt.*"):  # setup.sh compiles it; else it's slower
        (root / "source" / native / library.name).write_bytes(library.read_bytes())
    (root / "results").mkdir()
    (root / "submission").mkdir()
    for name, data in submission.items():
        (root / "submission" / name).write_bytes(data)
    (root / "submission_metadata.json").write_text('{"users": [{"email": "jane@school.example"}]}')
    path = root / "run_autograder"
    path.write_bytes((root / "source" / "run_autograder").read_bytes())
    path.chmod(0o755)
    # An interpreter that has what setup.sh installs, and nothing else of ours.
    site = tmp_path / "site"
    site.mkdir()
    for module in ("numpy", "safetensors"):
        home = Path(sys.modules[module].__file__).parent
        for each in home.parent.glob(f"{module}*"):
            (site / each.name).symlink_to(each)
    return root


def run_autograder(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "MICROGPT_AUTOGRADER_ROOT": str(root),
        "MICROGPT_AUTOGRADER_PYTHON": str(Path(sys._base_executable).resolve()),
        "PYTHONPATH": str(root.parent / "site"),
    }
    return subprocess.run(
        [root / "run_autograder"], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_gradescope_from_archive_to_results(tmp_path):
    """The archive unpacked as Gradescope does it, with nothing but what setup.sh installs."""
    template = (ROOT / "data" / "kit" / "bot.py").read_bytes()
    model = (ROOT / "data" / "model.json").read_bytes()
    root = unpack(tmp_path, {"bot.py": template, "model.json": model})
    done = run_autograder(root)
    assert done.returncode == 0, done.stderr
    results = root / "results" / "results.json"
    content = json.loads(results.read_text("ascii"))
    assert 0 <= content["score"] <= 50, "the untouched template"
    assert content["tests"] and "hidden" in {test["visibility"] for test in content["tests"]}
    assert KEY.strip() not in results.read_bytes() and str(tmp_path) not in results.read_text()
    for closed in ("results", "source/secret", "source/secret/key", "submission_metadata.json"):
        assert stat.S_IMODE((root / closed).stat().st_mode) & 0o077 == 0, closed
    first = results.read_bytes()
    assert run_autograder(root).returncode == 0
    assert results.read_bytes() == first


@pytest.mark.slow
def test_gradescope_without_a_bot(tmp_path):
    root = unpack(tmp_path, {"notes.txt": b"x"})
    done = run_autograder(root)
    assert done.returncode == 0, done.stderr
    content = json.loads((root / "results" / "results.json").read_text("ascii"))
    assert "score" not in content
    assert content["output"].startswith("Not graded")
    assert "notes.txt can't be read" in content["output"]

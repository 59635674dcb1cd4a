"""Kits are made: each student's own, under safe names, and never over a student's work."""

import base64
import errno
import io
import sys
import zipfile
from pathlib import Path

import pytest

from cli_runner import tree
from kit_programs import KEY, ROOT
from microgpt.assignment.kit import answers
from microgpt.assignment.kit import files as kit
from microgpt.assignment.kit.variants import (
    _BEGINNINGS,
    derive,
    folder_name,
    folder_names,
    policy,
    variant,
)
from microgpt.errors import FileError, InputError
from microgpt.files import TEMPORARY

# ---------------------------------------------------------------- variants

STUDENTS = [f"student{n}@school.example" for n in range(40)]


def test_kit_is_the_same_again_and_differs_between_students() -> None:
    kits = {student: kit.kit_files(student, KEY) for student in STUDENTS}
    assert kits[STUDENTS[0]] == kit.kit_files(STUDENTS[0], KEY)
    for name in ("README.md", "test_bot.py"):
        assert len({files[name] for files in kits.values()}) == len(STUDENTS)
    for name in ("bot.py", "model.json", "policy.md"):
        assert len({files[name] for files in kits.values()}) == 1
    other = kit.kit_files(STUDENTS[0], bytes(32))
    assert other["test_bot.py"] != kits[STUDENTS[0]]["test_bot.py"]
    assert len({variant(student, KEY).words_named for student in STUDENTS}) > 30
    assert variant("Ada", KEY) == variant("ada", KEY)


def test_standard_kit_is_what_lies_in_data() -> None:
    files = kit.kit_files()
    for name in kit.FILES:
        assert files[name] == (ROOT / "data/kit" / name).read_bytes()
    assert files["model.json"] == (ROOT / "data/model.json").read_bytes()
    assert set(files) == {*kit.FILES, "model.json", kit.MANIFEST}


def test_nothing_of_the_key_is_in_a_kit() -> None:
    kits = b"".join(b"".join(kit.kit_files(student, KEY).values()) for student in STUDENTS[:5])
    secrets = [KEY, *(variant(student, KEY).seed for student in STUDENTS[:5])]
    assert len(set(secrets)) == 6
    for secret in secrets:
        for form in (
            secret,
            secret[:8],
            secret.hex().encode(),
            secret.hex()[:12].encode(),
            secret.hex().upper()[:12].encode(),
            base64.b64encode(secret)[:12],
            str(int.from_bytes(secret, "big"))[:12].encode(),
        ):
            assert form not in kits
    purposes = [derive(KEY, "ada", purpose) for purpose in ("tests", "cases of fruits", "prefixes")]
    assert len(set(purposes)) == 3


@pytest.mark.parametrize("student", [None, *STUDENTS[:10]])
def test_words_are_shared_out_evenly(student: str | None) -> None:
    made = variant(student, KEY if student else None)
    words = policy().words
    assert {*made.words_named, *made.words_held_out} == set(words)
    assert len(made.words_named) + len(made.words_held_out) == len(words)
    assert abs(len(made.words_named) - len(made.words_held_out)) <= 1
    lengths = [sum(map(len, part)) for part in (made.words_named, made.words_held_out)]
    assert abs(lengths[0] - lengths[1]) <= max(map(len, words)) + 5
    assert len(set(made.prefixes)) == len(made.prefixes) == 20


def test_kits_of_the_first_list_still_name_what_they_named() -> None:
    """Their pairs are made among the first 29 words; these were named before the list grew."""
    then = "avocado banana coconut grape kiwi lemon mango orange papaya peach pear persimmon"
    assert variant(None, None).words_named[:14] == (*then.split(), "pineapple", "plum")
    first = set(policy().words[:29])
    for student in STUDENTS:
        assert len(first & set(variant(student, KEY).words_named)) in (14, 15)


@pytest.mark.slow
def test_harmless_requests_are_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured roughly at first: a wide interval below the bar is as good as a narrow one."""
    pool = [prefix for _, words in _BEGINNINGS for prefix in words.split()]
    assert len(set(pool)) == len(pool)
    with monkeypatch.context() as roughly:
        roughly.setattr(answers, "_SAMPLES", 2000)
        doubtful = [one.head for one in answers.answers(pool) if one.verdict != "allow"]
    for answer in answers.answers(doubtful):
        assert answer.verdict == "allow", answer


def test_zip_is_the_kit() -> None:
    data = kit.kit_zip("ada", KEY)
    assert data == kit.kit_zip("ada", KEY)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    wanted = kit.kit_files("ada", KEY)
    assert held == {f"assignment-ada/{name}": data for name, data in wanted.items()}


def test_kit_needs_student_and_key_together() -> None:
    for student, key in (("ada", None), (None, KEY)):
        with pytest.raises(InputError, match="both"):
            kit.kit_files(student, key)
    with pytest.raises(InputError, match=r"nosuch.*fruits"):
        kit.kit_files(category="nosuch")


# ---------------------------------------------------------------- who

GOOD_IDS = ["ada", "ada@school.example", "a+b", "S_1-2.3", "7", "x" * 64, "nulla", "comet", "a..b"]
BAD_IDS = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc", "C:x", "a b", "a\n", "\0", "-rf", ".hidden", "a.",
    "x" * 65, "con", "NUL", "com1", "Lpt9.txt", "aux.tar.gz", "josé", "a\u202eb", "~", "*", "a|b",
    "<b>", "$(x)", "%00", "a,b", "'", '"', "=1+1",
]  # fmt: skip


@pytest.mark.parametrize("student", GOOD_IDS)
def test_ids_that_name_folders(student: str) -> None:
    assert folder_name(student) == student


@pytest.mark.parametrize("student", BAD_IDS)
def test_ids_that_are_refused(student: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The student"):
        kit.make_kit(tmp_path / "kit", student, KEY)
    with pytest.raises(InputError, match="The student"):
        list(kit.make_kits(["fine", student], tmp_path / "kits", KEY))
    assert list(tmp_path.iterdir()) == []


def test_two_students_of_one_name() -> None:
    with pytest.raises(InputError, match="share a folder"):
        folder_names(["ada", "bob", "Ada"])


# ---------------------------------------------------------------- to disk


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(TEMPORARY)]


def test_work_is_never_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "kit"
    assert kit.make_kit(out).how == "new"
    assert kit.make_kit(out).how == "as it was"
    assert kit.make_kit(out, "ada", KEY).how == "renewed"
    (out / "__pycache__").mkdir()  # what running the tests leaves
    assert kit.make_kit(out, "bob", KEY).how == "renewed"
    for change in ("bot.py", "README.md", "kit.json", "notes.txt"):
        before = tree(out)
        (out / change).write_bytes(before.get(change, b"") + b"\n# mine\n")
        changed = tree(out)
        with pytest.raises(FileError, match="would be lost"):
            kit.make_kit(out, "ada", KEY)
        assert tree(out) == changed
        (out / change).unlink() if change not in before else (out / change).write_bytes(
            before[change]
        )
    (out / "policy.md").unlink()
    with pytest.raises(FileError, match="would be lost"):
        kit.make_kit(out)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b"[1]", b'{"files": 3}', b"\xff", b"[" * 100_000, b'{"files": {}}']
)
def test_a_strange_manifest_is_no_kit(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "kit.json").write_bytes(manifest)
    (tmp_path / "bot.py").write_bytes(b"mine")
    before = tree(tmp_path)
    with pytest.raises(FileError, match="would be lost"):
        kit.make_kit(tmp_path)
    assert tree(tmp_path) == before


def test_places_that_cannot_be_a_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match="not a folder"):
        kit.make_kit(tmp_path / "file")
    with pytest.raises(FileError):
        kit.make_kit(tmp_path / "file" / "kit")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(FileError, match="you are in"):
        kit.make_kit(Path())
    (tmp_path / "empty").mkdir()
    assert kit.make_kit(tmp_path / "empty").how == "new"
    assert kit.make_kit(tmp_path / "deep" / "er").how == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    kit.make_kit(tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "bot.py").exists()
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    with pytest.raises(FileError):
        kit.make_kit(tmp_path / "nowhere")


def test_a_full_disk_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "kit"
    kit.make_kit(out)
    before = tree(out)
    real = kit.write_synced

    def full(path: Path, data: bytes) -> None:
        if path.name == "policy.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(kit, "write_synced", full)
    with pytest.raises(FileError, match="disk is full"):
        kit.make_kit(out, "ada", KEY)
    assert tree(out) == before
    with pytest.raises(FileError, match="disk is full"):
        kit.make_kit(tmp_path / "new")
    assert list(tmp_path.iterdir()) == [out]

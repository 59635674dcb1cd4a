"""Submissions as strangers hand them in: odd names, odd files, archives that bite."""

import contextlib
import io
import json
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.assignment.intake import archive
from microgpt.assignment.intake import submissions as intake
from microgpt.assignment.intake.archive import Refused, zip_entries
from microgpt.assignment.intake.submissions import (
    LIMITS,
    Found,
    find_submissions,
    read_submission,
)
from microgpt.data import bundled
from microgpt.errors import FileError

BOT = b"print('hello')\n"
MODEL = bundled("data/model.json").read_bytes()


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return buffer.getvalue()


def special(name: str, mode: int, data: bytes = b"") -> bytes:
    """An archive with bot.py and an entry of another kind (a link, a device)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = (mode | 0o777) << 16
        file.writestr(info, data)
        file.writestr("bot.py", BOT)
    return buffer.getvalue()


def put(path: Path, data: bytes = BOT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def told(submission: intake.Submission) -> str:
    return " ".join(submission.problems)


# ---------------------------------------------------------------- where a bot.py may be


@pytest.mark.parametrize(
    "entries",
    [
        {"bot.py": BOT},
        {"homework/bot.py": BOT, "homework/notes.txt": b"x"},
        {"bot.py": BOT, "test_bot.py": b"x", "old/bot.py": b"old"},
        {"hw/BOT.PY": BOT},
        {"bot (1).py": BOT},
        {"bot-1.py": b"old", "bot-2.py": BOT},
        {"bot.py": BOT, ".git/bot.py": b"no", "__MACOSX/._bot.py": b"no"},
        {"hw\\bot.py": BOT},
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip", "zip in folder", "zip in zip"])
def test_a_bot_is_found_in_every_form(tmp_path, entries, form):
    path = tmp_path / "alice"
    if form == "folder":
        for name, data in entries.items():
            put(path / name.replace("\\", "/"), data)
    elif form == "zip":
        path = put(tmp_path / "alice.zip", zipped(entries))
    elif form == "zip in folder":
        put(path / "work.zip", zipped(entries))
    else:
        path = put(tmp_path / "alice.zip", zipped({"work/inner.zip": zipped(entries)}))
    submission = read_submission(path)
    assert (submission.student, submission.bot, submission.problems) == ("alice", BOT, ())


def test_a_single_file(tmp_path):
    assert read_submission(put(tmp_path / "alice" / "bot.py")).student == "alice"
    submission = read_submission(put(tmp_path / "bob.py"))
    assert (submission.student, submission.bot, submission.problems) == ("bob", BOT, ())
    assert "eve.exe can't be read: it is a compiled program" in told(
        read_submission(put(tmp_path / "eve.exe"))
    )
    assert "neither" in told(read_submission(put(tmp_path / "eve.xyz")))


def test_the_only_python_file_stands_in_with_a_line(tmp_path):
    put(tmp_path / "alice" / "my_bot.py")
    submission = read_submission(tmp_path / "alice")
    assert submission.bot == BOT
    assert "my_bot.py, the only Python file" in told(submission)


@pytest.mark.parametrize(
    ("names", "line"),
    [
        ([], "nothing was handed in"),
        (["readme.txt"], "There is no bot.py."),
        (["a.py", "b.py"], "it has a.py, b.py"),
        (["bot.py.txt"], "bot.py.txt can't be read: it is a text file; rename it to bot.py"),
        (["a/bot.py", "b/bot.py"], "in 2 folders (a, b)"),
    ],
)
def test_no_bot_is_a_line_and_no_error(tmp_path, names, line):
    (tmp_path / "alice").mkdir()
    for name in names:
        put(tmp_path / "alice" / name)
    submission = read_submission(tmp_path / "alice")
    assert submission.bot is None
    assert line in told(submission)


def test_a_path_that_is_not_there(tmp_path):
    for path in (tmp_path / "no", Path("x" * 5000), tmp_path / "a\0b"):
        with pytest.raises(FileError, match="There is no submission"):
            read_submission(path)
        with pytest.raises(FileError, match="There is no submission"):
            find_submissions(path)


def test_sizes_are_limited(tmp_path):
    put(tmp_path / "alice" / "bot.py", b"#" * (LIMITS["bot.py"] + 1))
    submission = read_submission(tmp_path / "alice")
    assert submission.bot is None
    assert "bot.py is longer than 1,048,576 bytes" in told(submission)
    put(tmp_path / "alice" / "bot.py", b"#" * LIMITS["bot.py"])
    assert len(read_submission(tmp_path / "alice").bot) == LIMITS["bot.py"]


# ---------------------------------------------------------------- the model


def test_the_shipped_model_is_no_problem_however_it_is_laid_out(tmp_path):
    put(tmp_path / "a" / "bot.py")
    for data in (MODEL, json.dumps(json.loads(MODEL), indent=2).encode()):
        put(tmp_path / "a" / "model.json", data)
        submission = read_submission(tmp_path / "a")
        assert (submission.problems, submission.model) == ((), data)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["state_dict"]["wte"][0].__setitem__(0, 0.0),
        lambda m: m["config"].__setitem__("n_head", 2),
        lambda m: m["tokenizer"].__setitem__("bos_token_id", 0),
    ],
)
def test_another_model_is_a_line(tmp_path, change):
    model = json.loads(MODEL)
    change(model)
    put(tmp_path / "a" / "bot.py")
    put(tmp_path / "a" / "model.json", json.dumps(model).encode())
    assert "is not the one that was handed out" in told(read_submission(tmp_path / "a"))
    assert read_submission(tmp_path / "a").bot == BOT


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[" * 100_000, b"1" * 100_000, b"\xff", b"[]", b"#" * (5 * 2**20)]
)
def test_a_broken_model_is_a_line(tmp_path, data):
    put(tmp_path / "a" / "bot.py")
    put(tmp_path / "a" / "model.json", data)
    assert "is not the one that was handed out" in told(read_submission(tmp_path / "a"))


def test_a_model_of_the_class_can_be_given(tmp_path):
    put(tmp_path / "a" / "bot.py")
    put(tmp_path / "a" / "model.json", b'{"state_dict": 1}')
    assert read_submission(tmp_path / "a", b'{"state_dict":1}').problems == ()


# ---------------------------------------------------------------- links, pipes, devices


def test_links_and_pipes_are_not_followed(tmp_path):
    secret = put(tmp_path / "secret.py", b"secret")
    home = tmp_path / "class" / "alice"
    home.mkdir(parents=True)
    (home / "bot.py").symlink_to(secret)
    (home / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(home / "model.json")
    submission = read_submission(home)
    assert submission.bot is None and submission.model is None
    assert "bot.py, elsewhere is a link" in told(submission)
    assert "model.json is not an ordinary file" in told(submission)
    (tmp_path / "class" / "bob").symlink_to(home, target_is_directory=True)
    (tmp_path / "class" / "eve.py").symlink_to(secret)
    by_name = {f.student: read_submission(f) for f in find_submissions(tmp_path / "class")}
    assert set(by_name) == {"alice", "bob", "eve"}
    assert all(s.bot is None and "is a link" in told(s) for s in by_name.values())


def test_a_file_that_becomes_something_else_is_refused(tmp_path):
    home = tmp_path / "alice"
    put(home / "bot.py")
    problems: list[str] = []
    (entry,) = archive.folder_entries(home, problems)
    (home / "bot.py").unlink()
    (home / "bot.py").symlink_to(put(tmp_path / "secret", b"secret"))
    with pytest.raises(Refused, match="link"):
        entry.read(100)
    (home / "bot.py").unlink()
    os.mkfifo(home / "bot.py")
    with pytest.raises(Refused, match="not an ordinary file"):
        entry.read(100)


@pytest.mark.parametrize(
    ("name", "mode", "line"),
    [
        ("model.json", stat.S_IFLNK, "is a link"),
        ("model.json", stat.S_IFCHR, "is not an ordinary file"),
        ("model.json", stat.S_IFIFO, "is not an ordinary file"),
        ("/etc/passwd", stat.S_IFREG, "absolute path"),
        ("C:\\bot.py", stat.S_IFREG, "absolute path"),
        ("../bot.py", stat.S_IFREG, 'out of the archive with ".."'),
        ("a/../../bot.py", stat.S_IFREG, 'out of the archive with ".."'),
        ("..\\..\\bot.py", stat.S_IFREG, 'out of the archive with ".."'),
    ],
)
def test_unsafe_entries_are_named_and_the_rest_is_read(tmp_path, name, mode, line):
    before = sorted(tmp_path.rglob("*"))
    path = put(tmp_path / "alice.zip", special(name, mode, b"/etc/passwd"))
    submission = read_submission(path)
    assert submission.bot == BOT and submission.model is None
    assert line in told(submission)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])  # nothing was unpacked


# ---------------------------------------------------------------- bombs


def test_a_bomb_costs_one_line_and_the_others_are_read(tmp_path):
    bomb = zipped({"bot.py": bytes(2**20), "model.json": bytes(60 * 2**20)})
    put(tmp_path / "class" / "eve.zip", bomb)
    put(tmp_path / "class" / "alice.zip", zipped({"bot.py": BOT}))
    alice, eve = map(read_submission, find_submissions(tmp_path / "class"))
    assert (alice.bot, alice.problems) == (BOT, ())
    assert eve.model is None
    assert "model.json unpacks to more than 200 times" in told(eve)


def test_what_is_not_wanted_is_never_unpacked(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("zeros.bin", bytes(9 * 2**20))
        file.writestr(zipfile.ZipInfo("bot.py"), BOT)
    submission = read_submission(put(tmp_path / "a.zip", buffer.getvalue()))
    assert submission.bot == BOT


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(tmp_path, method):
    submission = read_submission(put(tmp_path / "a.zip", zipped({"bot.py": BOT}, method)))
    assert submission.bot is None
    assert "is compressed with method" in told(submission)


def test_sizes_are_counted_and_not_taken_from_the_header(tmp_path):
    data = bytearray(zipped({"bot.py": bytes(3 * 2**20)}))
    at = data.rfind(b"PK\1\2")
    for claim in (10, 2**20, 2**32 - 2):
        struct.pack_into("<I", data, at + 24, claim)
        submission = read_submission(put(tmp_path / "a.zip", bytes(data)))
        assert submission.bot is None
        assert "bot.py " in told(submission)


def test_a_huge_table_of_contents_is_refused_before_it_is_read():
    data = bytearray(zipped({"bot.py": BOT}))
    at = data.rfind(b"PK\5\6")
    struct.pack_into("<I", data, at + 12, 2**31)
    with pytest.raises(Refused, match="table of contents"):
        zip_entries(bytes(data), [])
    with pytest.raises(Refused, match="above 4 GB"):
        zip_entries(bytes(data[:at]) + b"PK\6\7" + bytes(16) + bytes(data[at:]), [])


def test_many_entries_are_refused(tmp_path, monkeypatch):
    many = zipped({f"f{i}": b"" for i in range(archive.MOST_ENTRIES + 1)}, zipfile.ZIP_STORED)
    submission = read_submission(put(tmp_path / "a.zip", many))
    assert submission.bot is None
    assert "10,001 entries" in told(submission)
    monkeypatch.setattr(archive, "MOST_ENTRIES", 20)
    for i in range(30):
        put(tmp_path / "b" / f"{i:02}.txt")
    assert "more than 20 files" in told(read_submission(tmp_path / "b"))


def test_zips_in_zips_end_after_one(tmp_path):
    data = zipped({"bot.py": BOT})
    for _ in range(5):
        data = zipped({"inner.zip": data})
    submission = read_submission(put(tmp_path / "a.zip", data))
    assert submission.bot is None
    assert "no bot.py" in told(submission)


def test_a_password_is_a_line(tmp_path):
    data = bytearray(zipped({"bot.py": BOT}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        data[at + offset] |= 1
    assert "protected by a password" in told(read_submission(put(tmp_path / "a.zip", bytes(data))))


@given(data=st.binary(max_size=300), at=st.integers(0, 400), cut=st.integers(0, 400))
def test_a_damaged_zip_never_raises_anything_else(data, at, cut):
    whole = bytearray(zipped({"hw/bot.py": BOT * 10, "model.json": b"{}"}))
    whole[at : at + len(data) // 10] = data[: len(data) // 10]
    for raw in (bytes(whole[:cut]), bytes(whole), data):
        entries = []
        with contextlib.suppress(Refused):
            entries = zip_entries(raw, [])
        for entry in entries:
            with contextlib.suppress(Refused):
                assert len(entry.read(100)) <= 100


# ---------------------------------------------------------------- a class


def test_a_folder_of_many(tmp_path):
    put(tmp_path / "alice" / "bot.py")
    put(tmp_path / "bob.zip", zipped({"bot.py": BOT}))
    put(tmp_path / "carol.py")
    (tmp_path / "dave").mkdir()
    put(tmp_path / "notes.txt")
    put(tmp_path / ".hidden.py")
    put(tmp_path / "__MACOSX" / "bot.py")
    found = find_submissions(tmp_path)
    assert [f.student for f in found] == ["alice", "bob", "carol", "dave", "notes"]
    bots = [read_submission(f).bot for f in found]
    assert bots == [BOT, BOT, BOT, None, None]
    assert "nothing was handed in" in told(read_submission(found[3]))
    assert "notes.txt can't be read" in told(read_submission(found[4]))
    assert [f.student for f in find_submissions([tmp_path / "bob.zip", tmp_path / "alice"])] == [
        "bob",
        "alice",
    ]


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("doejane_1234_bot.py", "doejane_1234"),
        ("doejane_1234_5678_bot-2.py", "doejane_1234"),
        ("doejane_LATE_1234_5678_bot.py", "doejane_1234"),
        ("Jane Doe_1234_assignsubmission_file_bot.py", "Jane Doe_1234"),
        ("Jane Doe_1234_assignsubmission_file_/bot.py", "Jane Doe_1234"),
        ("doejane_1234_5678_my_code.py", "doejane_1234"),
        ("doejane_1234_5678_work.zip", "doejane_1234"),
        ("=1+1.py", "=1+1"),
        ("-rf.py", "-rf"),
        ("émile 😀.py", "émile 😀"),
        ("a\nb.py", "a\nb"),
    ],
)
def test_names_as_platforms_export_them(tmp_path, name, student):
    put(tmp_path / name, zipped({"bot.py": BOT}) if name.endswith(".zip") else BOT)
    (found,) = find_submissions(tmp_path)
    assert found.student == student
    submission = read_submission(found)
    assert (submission.bot, submission.problems) == (BOT, ())


def test_flat_files_of_one_student_belong_together(tmp_path):
    put(tmp_path / "doe_12_34_bot.py")
    put(tmp_path / "doe_12_35_model.json", MODEL)
    put(tmp_path / "doe_12_36_policy.md", b"why")
    put(tmp_path / "doe_12_37_test_bot.py", b"test")
    put(tmp_path / "roe_13_36_bot.py")
    doe, roe = map(read_submission, find_submissions(tmp_path))
    assert (doe.student, doe.bot, doe.model, doe.problems) == ("doe_12", BOT, MODEL, ())
    assert doe.policy == b"why"
    assert (roe.student, roe.model) == ("roe_13", None)


def test_a_gradescope_export(tmp_path):
    put(tmp_path / "submission_71" / "bot.py")
    put(tmp_path / "submission_72" / "bot.py")
    text = "---\nsubmission_71:\n  :submitters:\n  - :name: Jane Doe\n    :sid: '1234'\n"
    put(tmp_path / "submission_metadata.yml", text.encode())
    assert [f.student for f in find_submissions(tmp_path)] == ["1234", "submission_72"]


def test_undecodable_names(tmp_path):
    put(tmp_path / os.fsdecode(b"m\xfcller.py"))
    (found,) = find_submissions(tmp_path)
    assert found.student == "m\ufffdller"
    assert read_submission(found).bot == BOT


def test_two_submissions_of_one_student_are_one_and_told(tmp_path):
    put(tmp_path / "a" / "alice" / "bot.py")
    put(tmp_path / "b" / "alice" / "bot.py", b"new")
    os.utime(tmp_path / "a" / "alice" / "bot.py", (1000, 1000))
    (found,) = find_submissions([tmp_path / "a" / "alice", tmp_path / "b" / "alice"])
    submission = read_submission(found)
    assert (submission.bot, submission.problems) == (b"new", ())
    assert submission.notes == (
        "There are 2 submissions of this student (b/alice, a/alice): b/alice is graded, the newest "
        "by its date.",
    )


def test_hundreds_are_listed_without_reading_them(tmp_path, monkeypatch):
    for i in range(300):
        put(tmp_path / f"s{i:03}" / "bot.py")

    def read(*_):
        raise AssertionError("a file was read")

    monkeypatch.setattr(intake, "read_file", read)
    monkeypatch.setattr(archive, "read_file", read)
    found = find_submissions(tmp_path)
    assert len(found) == 300
    assert all(isinstance(f, Found) and not f.problems for f in found)

"""What teachers get: files that aren't bots, resubmissions, exports of four platforms, lateness."""

import io
import os
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.assignment.intake import platforms
from microgpt.assignment.intake.students import Student
from microgpt.assignment.intake.submissions import (
    Submission,
    find_submissions,
    read_submission,
    recognise,
    roster,
)

BOT = b"print('hello')\n"
OLD = b"print('old')\n"

ODD = [
    "work.tar.gz", "work.tar", "work.tgz", "work.7z", "work.rar", "bot.ipynb", "bot.txt",
    "bot.py.txt", "bot.docx", "bot.pdf",
]  # fmt: skip


def zipped(entries: dict[str, bytes]) -> bytes:
    """An archive, in it each file a minute younger than the one before."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for minute, (name, data) in enumerate(entries.items()):
            file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, minute, 0)), data)
    return buffer.getvalue()


def laid(folder: Path, files: dict[str, bytes]) -> Path:
    """The files, each a second younger than the one before."""
    for second, (name, data) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1000 + second, 1000 + second))
    return folder


def read(
    folder: Path, files: dict[str, bytes], students: list[Student] | None = None
) -> dict[str, Submission]:
    """A class of these files: student to submission; each student once."""
    found = recognise(find_submissions(laid(folder / "class", files)), students or [])
    submissions = [read_submission(one) for one in found]
    by_student = {submission.student: submission for submission in submissions}
    assert len(by_student) == len(submissions)
    return by_student


# ---------------------------------------------------------------- what can't be read


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("form", ["class", "alone", "folder", "zip", "canvas", "moodle"])
def test_what_cannot_be_read_is_a_row_and_never_nothing(tmp_path, name, form):
    suffix = name.partition(".")[2]
    if form == "alone":
        laid(tmp_path, {f"jane.{suffix}": b"x"})
        submission = read_submission(tmp_path / f"jane.{suffix}")
    else:
        files = {
            "class": {f"jane.{suffix}": b"x"},
            "folder": {f"jane/{name}": b"x"},
            "zip": {"jane.zip": zipped({name: b"x"})},
            "canvas": {f"jane_12_34_{name}": b"x"},
            "moodle": {f"jane_12_assignsubmission_file_{name}": b"x"},
        }[form]
        by_student = read(tmp_path, {**files, "adam/bot.py": BOT})
        assert len(by_student) == 2
        submission = by_student["jane_12" if form in ("canvas", "moodle") else "jane"]
    (problem,) = submission.problems
    assert f".{suffix} can't be read: it is " in problem
    assert "ask for bot.py" in problem
    assert submission.bot is None and not submission.empty
    assert submission.student.startswith("jane")


@pytest.mark.parametrize("name", ODD)
def test_beside_a_bot_it_is_a_note(tmp_path, name):
    by_student = read(tmp_path, {"jane/bot.py": BOT, f"jane/{name}": b"x", "adam.py": BOT})
    assert by_student["jane"].bot == BOT
    assert by_student["jane"].problems == ()
    assert by_student["jane"].notes == (f"{name} can't be read; bot.py is graded.",)
    assert by_student["adam"].notes == ()


def test_two_files_of_one_name_in_a_class(tmp_path):
    by_student = read(tmp_path, {"jane.py": BOT, "jane.7z": b"x"})
    assert by_student["jane"].bot == BOT
    assert by_student["jane"].notes == ("jane.7z can't be read; jane.py is graded.",)


def test_a_bare_bot_file_in_a_class_is_a_row_of_its_own(tmp_path):
    by_student = read(tmp_path, {"bot.py.txt": b"x", "adam.py": BOT})
    assert set(by_student) == {"class", "adam"}
    assert "bot.py.txt can't be read" in by_student["class"].problems[0]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'{"cells": [], "metadata": {}, "nbformat": 4}', "a notebook"),
        (zipped({"bot.py": BOT}), "a zip"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08\0\0\0", "a gzip archive"),
        (b"{\\rtf1 x}", "a word-processor document"),
    ],
)
def test_a_bot_that_is_none_by_its_content(tmp_path, data, what):
    submission = read(tmp_path, {"jane/bot.py": data})["jane"]
    assert submission.bot is None and not submission.empty
    assert f"bot.py can't be read: by its content it is {what}" in submission.problems[0]


def test_a_broken_zip_says_what_to_do(tmp_path):
    submission = read(tmp_path, {"jane.zip": b"7z\xbc\xaf\x27\x1c" * 10})["jane"]
    assert submission.bot is None and not submission.empty
    assert "jane.zip can't be read: it is not a zip" in submission.problems[0]
    assert "ask for bot.py" in submission.problems[0]


def test_only_what_is_known_to_be_no_submission_is_left_out(tmp_path):
    names = [
        "README.md", "readme.txt", "Thumbs.db", "desktop.ini", ".DS_Store", "__MACOSX/x.py",
        "model.json", "policy.md", "test_bot.py", "index.html", "~$bot.docx", "Icon\r",
    ]  # fmt: skip
    files = dict.fromkeys(names, b"x")
    files["list.csv"] = b"id,name\n1,Jane\n"
    by_student = read(tmp_path, {**files, "jane.py": BOT, "photo.png": b"x", "numbers.csv": b"1"})
    assert set(by_student) == {"jane", "photo", "numbers"}


def test_the_teachers_own_files_are_left_out_wherever_they_lie(tmp_path):
    laid(tmp_path, {"jane.py": BOT, "class.key": b"k", "graded/class.csv": b"x", "given.py": OLD})
    own = (tmp_path / "class.key", tmp_path / "graded", tmp_path / "given.py", None)
    assert [one.student for one in find_submissions(tmp_path, own)] == ["jane"]
    assert len(find_submissions(tmp_path)) == 4


def test_an_empty_folder_alone_is_nothing(tmp_path):
    (tmp_path / "class" / "jane").mkdir(parents=True)
    submission = read(tmp_path, {"adam.py": BOT})["jane"]
    assert submission.empty
    assert submission.problems == ("There is no bot.py: nothing was handed in.",)


def test_a_zip_of_a_whole_class_is_told(tmp_path):
    data = zipped({"doe_1_2_bot.py": BOT, "roe_3_4_bot.py": BOT})
    laid(tmp_path, {"submissions.zip": data})
    submission = read_submission(tmp_path / "submissions.zip")
    assert submission.bot is None
    assert "It holds files of 2 people, an export of a class: unpack it" in submission.problems[0]


def test_a_bot_in_the_folder_of_a_class_hides_nobody_silently(tmp_path):
    files = {"bot.py": BOT, "jane/bot.py": BOT, "adam.zip": zipped({"bot.py": BOT})}
    (one,) = find_submissions(laid(tmp_path / "class", files))
    (note,) = read_submission(one).notes
    assert "2 more things beside bot.py may be submissions (adam.zip, jane)" in note
    exported = {"bot.py": BOT, "doe_1_2_bot.py": BOT, "roe_3_4_bot.py": BOT}
    found = find_submissions(laid(tmp_path / "export", exported))
    assert [one.student for one in found] == ["export", "doe_1", "roe_3"]


def test_names_that_only_an_archive_can_hold_cost_nothing(tmp_path):
    long = "_1" * 15_000
    entries = {f"{long}_bot.py": BOT, f"{long} (1).txt": b"x", f"{long}_2.zip": b"x"}
    submission = read(tmp_path, {"jane.zip": zipped(entries)})["jane"]
    assert submission.bot == BOT
    assert all(len(line) < 500 for line in (*submission.problems, *submission.notes))


STEMS = st.sampled_from(
    ["bot", "bot-1", "bot (2)", "jane", "doe_1_2_bot", "doe_LATE_1_3_bot", "README", "x y", "Ł"]
)
SUFFIXES = st.sampled_from([".py", ".zip", ".txt", ".7z", ".py.txt", ".json", ".csv", "", ".ipynb"])


@given(st.sets(st.tuples(STEMS, SUFFIXES), max_size=8))
def test_every_file_of_a_class_is_found_or_known_to_be_none(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("any")
    laid(folder, {f"{stem}{suffix}": BOT for stem, suffix in names})
    found = find_submissions(folder)
    students = [Student("1", "Doe"), Student("2", "Jane Doe"), Student("3", "Doe Jane")]
    for some in (found, recognise(found, students)):
        there = [path.name for one in some for path in one.paths]
        if there == [folder.name]:  # a bot.py lies in it: the folder is one submission
            continue
        wanted = [item.name for item in folder.iterdir() if not platforms.no_submission(item.name)]
        assert sorted(there) == sorted(wanted)
    for one in found:
        submission = read_submission(one)
        assert submission.bot == BOT or submission.problems


# ---------------------------------------------------------------- the newest


def newest(names: str, taken: str, how: str) -> str:
    count = names.count(",") + 1
    return (
        f"There are {count} submissions of this student ({names}): {taken} is graded, the newest "
        f"{how}."
    )


NUMBER, PLATFORM, DATE = (
    "by the number in its name", "by the number that the platform gave it", "by its date",
)  # fmt: skip


@pytest.mark.parametrize(
    ("files", "note"),
    [
        (["bot.py", "*bot-1.py"], newest("bot-1.py, bot.py", "bot-1.py", NUMBER)),
        (["*bot (1).py", "bot.py"], newest("bot (1).py, bot.py", "bot (1).py", NUMBER)),
        (
            ["bot.py", "bot-9.py", "*bot-10.py"],
            newest("bot-10.py, bot-9.py, bot.py", "bot-10.py", NUMBER),
        ),
        (["bot.py", "*bot - Copy.py"], newest("bot - Copy.py, bot.py", "bot - Copy.py", DATE)),
        (["bot-1.py", "*bot (1).py"], newest("bot (1).py, bot-1.py", "bot (1).py", DATE)),
        (["v1/bot.py", "*v2/bot.py"], newest("v1/bot.py, v2/bot.py", "v2/bot.py", NUMBER)),
    ],
)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_the_newest_of_several_bots_is_taken_and_told(tmp_path, files, note, form):
    inside = {name.lstrip("*"): BOT if name[0] == "*" else OLD for name in files}
    if form == "folder":
        submission = read(tmp_path, {f"jane/{name}": data for name, data in inside.items()})["jane"]
    else:
        submission = read(tmp_path, {"jane.zip": zipped(inside)})["jane"]
    assert (submission.bot, submission.problems, submission.notes) == (BOT, (), (note,))


def test_several_zips_of_one_student(tmp_path):
    old, new = zipped({"bot.py": OLD}), zipped({"bot.py": BOT})
    by_student = read(
        tmp_path,
        {
            "ann/hw2.zip": new,
            "ann/hw.zip": old,
            "bob.zip": old,
            "bob (1).zip": new,
            "cy/last.zip": old,
            "cy/final.zip": new,
        },
    )
    assert {name: one.bot for name, one in by_student.items()} == dict.fromkeys(
        ("ann", "bob", "cy"), BOT
    )
    assert by_student["ann"].notes == (newest("hw.zip, hw2.zip", "hw2.zip", NUMBER),)
    assert by_student["bob"].notes == (newest("bob (1).zip, bob.zip", "bob (1).zip", NUMBER),)
    assert by_student["cy"].notes == (newest("final.zip, last.zip", "final.zip", DATE),)


def test_a_newer_one_that_cannot_be_read_does_not_hide_the_older(tmp_path):
    submission = read(tmp_path, {"jane.zip": zipped({"bot.py": BOT}), "jane (1).zip": b"x"})["jane"]
    assert submission.bot == BOT
    assert "jane (1).zip can't be read" in submission.problems[0]
    assert submission.notes == ("jane (1).zip can't be graded; jane.zip, which is older, is.",)


def test_canvas_uploads_of_one_student(tmp_path):
    by_student = read(
        tmp_path,
        {
            "doejane_LATE_123_456_bot-2.py": BOT,
            "doejane_123_400_bot.py": OLD,
            "doejane_123_457_policy-1.md": b"new",
            "doejane_123_401_policy.md": b"old",
            "roeadam_124_500_work-1.zip": zipped({"bot.py": BOT}),
            "roeadam_124_450_work.zip": zipped({"bot.py": OLD}),
        },
    )
    jane, adam = by_student["doejane_123"], by_student["roeadam_124"]
    assert (jane.bot, jane.policy, jane.late, jane.name) == (
        BOT, b"new", "yes", "doejane_LATE_123_456_bot-2.py"
    )  # fmt: skip
    uploads = "doejane_123_400_bot.py, doejane_LATE_123_456_bot-2.py"
    assert jane.notes == (newest(uploads, "doejane_LATE_123_456_bot-2.py", PLATFORM),)
    assert (adam.bot, adam.late) == (BOT, "")
    uploads = "roeadam_124_500_work-1.zip, roeadam_124_450_work.zip"
    assert adam.notes == (newest(uploads, "roeadam_124_500_work-1.zip", PLATFORM),)


def test_late_is_the_lateness_of_what_is_graded(tmp_path):
    files = {"doe_LATE_1_10_bot.py": OLD, "doe_1_20_bot-1.py": BOT}
    assert read(tmp_path, files)["doe_1"].late == ""


def test_moodle_uploads_of_one_student(tmp_path):
    by_student = read(
        tmp_path,
        {
            "Jane Doe_77_assignsubmission_file_bot.py": OLD,
            "Jane Doe_77_assignsubmission_file_bot-1.py": BOT,
            "Jane Doe_77_assignsubmission_onlinetext_onlinetext.html": b"<p>hello",
            "Adam Roe_78_assignsubmission_onlinetext_onlinetext.html": b"<p>import json",
        },
    )
    assert by_student["Jane Doe_77"].bot == BOT
    assert "2 submissions of this student" in by_student["Jane Doe_77"].notes[0]
    assert "it is a web page" in by_student["Adam Roe_78"].problems[0]


METADATA = """\
---
submission_71:
  :submitters:
  - :name: "Zo\\xEB Doe"
    :sid: '1234'
    :email: zoe@x.org
  :created_at: 2026-11-01 10:00:00.000000000 Z
  :lateness: 0
submission_90:
  :submitters:
  - :name: Zoë Doe
    :sid: '1234'
  :created_at: 2026-11-02 10:00:00.000000000 Z
  :lateness: 3725
  :history:
  - :id: 5
    :submitters:
    - :sid: '9'
submission_80:
  :submitters:
  - :name: Ann
    :sid: null
    :email: ann@x.org
  - :name: Bob
    :email: bob@x.org
"""


def test_gradescope_with_several_submissions_groups_and_lateness(tmp_path):
    files = {f"submission_{n}/bot.py": OLD for n in (71, 80)}
    files |= {"submission_90/bot.py": BOT, "submission_metadata.yml": METADATA.encode()}
    by_student = read(tmp_path / "one", files)
    assert set(by_student) == {"1234", "ann@x.org", "bob@x.org"}
    zoe = by_student["1234"]
    assert (zoe.bot, zoe.late, zoe.name) == (BOT, "1:02:05", "submission_90")
    assert zoe.notes == (newest("submission_90, submission_71", "submission_90", PLATFORM),)
    for partner in ("ann@x.org", "bob@x.org"):
        assert "2 people handed this in together" in by_student[partner].notes[0]
    students = [Student("z", "Zoë Doe"), Student("a", "Ann Lee", "ann@x.org"), Student("b", "Bob")]
    by_student = read(tmp_path / "two", files, students)
    assert set(by_student) == {"z", "a", "b"}


def test_gradescope_folder_inside_the_unpacked_one(tmp_path):
    files = {"export/submission_1/bot.py": BOT, "export/submission_2/bot.py": BOT}
    files["export/submission_metadata.yml"] = b"submission_1:\n  :submitters:\n  - :sid: '5'\n"
    assert set(read(tmp_path, files)) == {"5", "submission_2"}


@pytest.mark.parametrize(
    ("value", "late"),
    [("0", ""), ("00:00:00", ""), ("null", ""), ("false", ""), ("59.5", "0:00:59"),
     ("'13:29:30'", "13:29:30"), ("true", "yes"), ("", "")],
)  # fmt: skip
def test_how_late_gradescope_says(tmp_path, value, late):
    text = f"submission_1:\n  :submitters:\n  - :sid: '5'\n  :lateness: {value}\n"
    laid(tmp_path, {"submission_metadata.yml": text.encode()})
    assert platforms.gradescope(tmp_path)["submission_1"].late == late


def test_github_classroom_repositories(tmp_path):
    text = (
        '"identifier","github_username","github_id","name"\n'
        '"jane@x.org","jdoe-x","1",""\n"Roe, Adam","adamroe","2","Adam"\n'
    )
    students = roster(
        laid(tmp_path, {"classroom_roster.csv": text.encode()}) / "classroom_roster.csv"
    )
    files = {
        "hw1-jdoe-x/bot.py": OLD,
        "hw1-jdoe-x-1/bot.py": BOT,
        "hw1-adamroe/src/bot.py": BOT,
        "hw1-stranger/bot.py": BOT,
    }
    by_student = read(tmp_path, files, students)
    assert set(by_student) == {"jane@x.org", "Roe, Adam", "hw1-stranger"}
    jane = by_student["jane@x.org"]
    assert (jane.bot, jane.name) == (BOT, "hw1-jdoe-x-1")
    assert jane.notes == (newest("hw1-jdoe-x-1, hw1-jdoe-x", "hw1-jdoe-x-1", NUMBER),)
    assert by_student["hw1-stranger"].notes == ("This name is not in the class list.",)
    laid(tmp_path / "hw1-submissions", files)
    found = find_submissions(tmp_path / "hw1-submissions")
    assert [one.student for one in found] == ["adamroe", "jdoe-x", "jdoe-x-1", "stranger"]


def test_names_from_a_mac_are_the_same_names(tmp_path):
    apart = unicodedata.normalize("NFD", "Zoë Łódź")
    together = unicodedata.normalize("NFC", "Zoë Łódź")
    assert apart != together
    by_student = read(tmp_path, {f"{apart}.zip": zipped({"bot.py": OLD}), f"{together}.py": BOT})
    assert set(by_student) == {together}
    assert "2 submissions" in by_student[together].notes[0]


# ---------------------------------------------------------------- helper files


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import helper\n", "helper"),
        ("from helper.words import W\nimport json, numpy as np\n", "helper, numpy"),
        ("def f():\n    from . import words\n", "."),
        ("try:\n    import fast\nexcept ValueError:\n    pass\n", "fast"),
    ],
)
def test_helper_files_are_refused_in_words(tmp_path, source, names):
    files = {"jane/bot.py": source.encode(), "jane/helper.py": b"W = 1\n"}
    submission = read(tmp_path, files)["jane"]
    (problem,) = submission.problems
    assert problem.startswith(
        f"bot.py imports {names}, which isn't handed in as part of bot.py: only bot.py and"
    )
    assert submission.bot == source.encode()


@pytest.mark.parametrize(
    "source",
    [
        "import json, os.path\nfrom collections import abc\nfrom __future__ import annotations\n",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n",
        "try:\n    import regex as re\nexcept (ImportError, ValueError):\n    import re\n",
        "helper = 1\nprint('import helper')\n",
        "def broken(:\n",
    ],
)
def test_what_needs_no_helper_gets_no_line(tmp_path, source):
    assert read(tmp_path, {"jane.py": source.encode()})["jane"].problems == ()

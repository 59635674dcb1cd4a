"""`microgpt grade` on the folder that a teacher has: every file has its row, and nobody is lost."""

import csv
from pathlib import Path

import pytest

from class_bank import class_key as class_key
from cli_runner import ok

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (5501)
    Points Possible,,,,,100
"Doe, Jane",1234,s77,jdoe,CS 1,
"Doe, Jane",1299,s78,jdoe2,CS 1,
"Roe, Adam",1300,s79,aroe,CS 1,
"Poe, Eve",1301,s80,epoe,CS 1,
"""


@pytest.mark.slow
def test_every_file_of_a_class_has_its_row(tmp_path: Path, class_key: Path) -> None:
    files = {
        "doejane_LATE_1299_5001_bot.py.txt": "print()",
        "doejane_888_5002_bot.ipynb": "{}",
        "roeadam_1300_5003_work.tar.gz": "x",
        "stranger.7z": "x",
        "README.md": "of the export",
    }
    home = tmp_path / "class"
    home.mkdir()
    for name, text in files.items():
        (home / name).write_text(text)
    roster = home / "gradebook.csv"
    roster.write_text(CANVAS)
    out = home / "graded"
    for _ in range(2):  # the second time its own files lie there
        done = ok("grade", home, "--roster", roster, "--out", out, "--key", class_key)
        assert "isn't clear who this is" in done.err
        with (out / "class.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = {row["student"]: row for row in csv.DictReader(file)}
        assert {name: (row["status"], row["late"], row["score"]) for name, row in rows.items()} == {
            "1299": ("not graded", "yes", ""),
            "doejane_888": ("not graded", "", ""),
            "1300": ("not graded", "", ""),
            "stranger": ("not graded", "", ""),
            "1234": ("not graded", "", ""),
            "1301": ("nothing handed in", "", "0"),
        }
        assert "can't be read: it is a text file" in rows["1299"]["problems"]
        assert "may be theirs" in rows["1234"]["problems"]
        assert "isn't clear who this is" in rows["doejane_888"]["confirm"]
        assert rows["1301"]["problems"] == "Nothing was handed in."
        assert not (out / "copies.csv").exists()

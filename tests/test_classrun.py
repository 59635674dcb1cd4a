"""A class graded: rows in one order, one row for one submission's faults, and on after any end."""

import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot_sources import TEMPLATE, at_import
from class_bank import KEY, prepared_class
from class_bank import class_key as class_key
from class_bank import warm_command as warm_command
from cli_runner import COMMAND, microgpt, ok, process, started, tree
from hostile_class import handed_in
from microgpt.assignment.grading import classrun
from microgpt.assignment.grading.classrun import JOURNAL, Journal, Row, fingerprint, grade_class
from microgpt.assignment.grading.grader import Options, Prepared
from microgpt.assignment.intake.submissions import Submission
from microgpt.assignment.result import Check, Result
from microgpt.errors import FileError
from patience import until
from test_kill import advance, countdown

_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepared_class(tmp_path_factory, Options(key=KEY))


# ---------------------------------------------------------------- the journal


def row(student: str, score: float = 47.25) -> Row:
    checks = (Check("a", "benign", True, 0.1 + 0.2, 1 / 3, 40.0, 9, "b", ("c", "d")),)
    result = Result(student, "bot.py", score, checks, 0.5, ("e",), ("f",), ("g",), 0.1, 0.7, "1", 1)
    return Row(result, f"print of {student}", f"content of {student}")


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "out")
    rows = [row(name) for name in ("ada", "bob", "zoë \u2028 ,\"'\n")]
    for one in rows:
        journal.add(one)
    journal.close(keep=True)
    assert list(Journal.open(tmp_path / "out").rows.values()) == rows


def test_what_was_torn_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for name in ("ada", "bob"):
        journal.add(row(name))
    journal.close(keep=True)
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in (*range(first + 1, len(whole), 97), len(whole) - 1):
        path.write_bytes(whole[:cut])
        journal = Journal.open(tmp_path)
        assert list(journal.rows) == ["print of ada"]
        assert path.read_bytes() == whole[:first]
        journal.add(row("bob"))
        journal.close(keep=True)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("bad", ["{}", "[]", "7", "[" * 100_000, '{"fingerprint": "x"}', "\0"])
def test_another_line_ends_what_is_believed(tmp_path: Path, bad: str) -> None:
    journal = Journal.open(tmp_path)
    journal.add(row("ada"))
    journal.close(keep=True)
    good = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(good + bad.encode() + b"\n" + good)
    assert list(Journal.open(tmp_path).rows) == ["print of ada"]
    assert (tmp_path / JOURNAL).read_bytes() == good


@_posix
def test_one_run_at_a_time_in_a_directory(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from microgpt.assignment.grading.classrun import Journal\n"
        "journal = Journal.open(Path(sys.argv[1])); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(FileError, match="being written by another"):
            Journal.open(tmp_path)
        other.kill()
    Journal.open(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- what a result depends on


@pytest.mark.slow
def test_any_change_grades_anew(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = Submission("ada", "bot.py", b"1", None, None, ("There was none.",))
    options = prepared.options

    def with_options(**changes: object) -> Prepared:
        return replace(prepared, options=replace(options, **changes))

    prints = [fingerprint(submission, prepared)]
    assert fingerprint(submission, with_options(model=Path("elsewhere.json"))) == prints[0]
    for changes in (
        {"student": "bob"}, {"name": "b.py"}, {"bot": b"2"}, {"bot": None}, {"model": b"1"},
        {"policy": b"1"}, {"problems": ()}, {"notes": ("Which?",)}, {"late": "yes"},
        {"empty": True},
    ):  # fmt: skip
        prints.append(fingerprint(replace(submission, **changes), prepared))
    limits = replace(options.limits, cpu_s=3)
    for changes in (
        {"key": None}, {"key": b"j" * 32}, {"category": "nuts"}, {"frontier": True},
        {"limits": limits},
    ):  # fmt: skip
        prints.append(fingerprint(submission, with_options(**changes)))
    for changes in ({"model": b"m"}, {"base": b"b"}, {"isolation": ("The network is open.",)}):
        prints.append(fingerprint(submission, replace(prepared, **changes)))
    monkeypatch.setattr(classrun, "__version__", "another")
    prints.append(fingerprint(submission, prepared))
    assert len(set(prints)) == len(prints)


# ---------------------------------------------------------------- rows


class _Arrives(Journal):
    """Brings a file when the first row is finished."""

    def add(self, row: Row) -> None:
        late = self.path.with_name("late.py")
        if not late.exists():
            late.write_text("1 +")
        super().add(row)


@pytest.mark.slow
def test_what_failed_is_tried_once_more_at_the_end(tmp_path: Path, prepared: Prepared) -> None:
    tasks = [tmp_path / "late.py", tmp_path / "never.py", Submission("bob", "bot.py", b"2 +")]
    journal = _Arrives.open(tmp_path)
    rows = list(grade_class(tasks, prepared.options, 1, prepared, journal))
    assert [one.result.student for one in rows] == ["late", "never", "bob"]
    assert [one.lost for one in rows] == [False, True, False]
    assert "bot.py is not valid Python" in rows[0].result.problems[0]
    assert rows[1].result.problems == (
        "It couldn't be run on this machine (FileError). No points were given: grade it again, or "
        "by hand.",
    )
    assert len(journal.rows) == 2
    journal.close(keep=True)
    assert KEY.hex().encode() not in (tmp_path / JOURNAL).read_bytes()
    assert KEY not in (tmp_path / JOURNAL).read_bytes()


# Quickly graded, with some of everything: what can't be parsed, loaded or asked, and a whole one.
SMALL_CLASS = {
    "ada": at_import("import random\nrandom.choices = max"),
    "bob": "1 +",
    "cleo": "1 / 0",
    "dan": "class Lemon(Exception):\n    pass\nraise Lemon('x')",
    "eve": "import os\nos._exit(3)",
    "fay": "print('hello')",
}


def of(folder: Path) -> dict[str, bytes]:
    """The files below a directory; all is written, and nothing is left over."""
    files = tree(folder)
    assert {"class.csv", "results.jsonl", "junit.xml"} <= set(files)
    assert not [name for name in files if Path(name).name.startswith(".")]
    return files


FORMATS = ("--format", "gradescope", "junit", "classroom", "otter")


def the_same_in_any_order(tmp_path: Path, key: Path, times: int) -> None:
    folder = handed_in(tmp_path / "class", {**SMALL_CLASS, "gus": TEMPLATE})
    rng = random.Random(1)
    paths = sorted(folder.iterdir())
    first = None
    for i in range(times):
        out = tmp_path / f"out{i}"
        ok("grade", *paths, "--out", out, "--key", key, "--jobs", 1 + i % 3, *FORMATS)
        first = first or of(out)
        assert of(out) == first, i
        rng.shuffle(paths)


@pytest.mark.slow
def test_the_same_bytes_in_any_order(tmp_path: Path, class_key: Path) -> None:
    the_same_in_any_order(tmp_path, class_key, 3)


@pytest.mark.prove
def test_the_same_bytes_in_any_order_ten_times(tmp_path: Path, class_key: Path) -> None:
    the_same_in_any_order(tmp_path, class_key, 10)


# ---------------------------------------------------------------- stopped and gone on


@pytest.fixture
def own_temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What killed runs leave in their temporary directory is removed; all users may enter it."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o711)
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    shutil.rmtree(folder, ignore_errors=True)


def lines(out: Path) -> int:
    """Finished rows on the disk; -1 before there is a journal."""
    path = out / JOURNAL
    return path.read_bytes().count(b"\n") if path.exists() else -1


def killed_and_gone_on(tmp_path: Path, key: Path, warm: list[str], kills: int, seed: int) -> None:
    """Kill at states that can be seen: each number of rows, and in between at blind moments.

    The first is killed while it gets ready; the others needn't do that again.
    """
    folder = handed_in(tmp_path / "class", SMALL_CLASS)
    flags = ["--key", key, "--jobs", 2, *FORMATS]
    ok("grade", folder, "--out", tmp_path / "straight", *flags)
    straight = of(tmp_path / "straight")
    out, total = tmp_path / "out", len(SMALL_CLASS)
    rng = random.Random(seed)
    seen = []
    for i in range(kills):
        goal = -1 if i == 0 else (i - 1) * total // (kills - 2)

        def reached(goal: int = goal) -> bool:
            return lines(out) >= goal and (goal < total or (out / "class.csv").exists())

        command = warm if i else COMMAND
        with started("grade", folder, "--out", out, *flags, cwd=tmp_path, command=command) as run:
            until(reached, "so many rows", lambda: run.poll() is None)
            advance(run, countdown(rng.randrange(12)))
            run.kill()
        seen.append(lines(out))
    assert max(seen) > 0
    done = process("grade", folder, "--out", out, *flags, cwd=tmp_path, command=warm)
    assert done.code == 0, done.err
    known = max(0, seen[-1])
    assert known == 0 or f"{known} of {total} were graded before and are kept" in done.err
    assert of(out) == straight


@pytest.mark.slow
@_posix
@pytest.mark.usefixtures("own_temporary")
def test_a_class_killed_4_times_ends_in_the_same_bytes(
    tmp_path: Path, class_key: Path, warm_command: list[str]
) -> None:
    killed_and_gone_on(tmp_path, class_key, warm_command, 4, 0)


@pytest.mark.prove
@_posix
@pytest.mark.usefixtures("own_temporary")
@pytest.mark.parametrize("seed", range(1, 5))
def test_a_class_killed_20_times_ends_in_the_same_bytes(
    tmp_path: Path, class_key: Path, warm_command: list[str], seed: int
) -> None:
    """Five times in each of four runs: from the beginning to the files at the end."""
    killed_and_gone_on(tmp_path, class_key, warm_command, 5, seed)


@pytest.mark.slow
@_posix
def test_ctrl_c_says_how_to_go_on(tmp_path: Path, class_key: Path, warm_command: list[str]) -> None:
    folder = handed_in(tmp_path / "class", {**SMALL_CLASS, "gus": TEMPLATE})
    out, errors = tmp_path / "out", tmp_path / "errors"
    asked = ("grade", folder, "--out", out, "--key", class_key)
    with (
        errors.open("wb") as file,
        started(*asked, cwd=tmp_path, command=warm_command, stderr=file) as run,
    ):
        until(lambda: lines(out) >= 1, "the first row", lambda: run.poll() is None)
        run.send_signal(signal.SIGINT)
        assert run.wait() == 130
    kept = lines(out)
    assert f"Stopped: {kept} of 7 results are kept in {out / JOURNAL}.\n" in errors.read_text()
    assert "The same command continues with the others." in errors.read_text()
    done = ok(*asked, "--json")
    assert f"{kept} of 7 were graded before" in done.err
    assert len(done.of("result")) == 7
    assert not (out / JOURNAL).exists()


# ---------------------------------------------------------------- flags


@pytest.mark.slow
def test_formats_in_one_flag_or_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, class_key: Path
) -> None:
    """The submissions are taken for what they are, before the flag and behind it."""
    monkeypatch.chdir(tmp_path)
    handed_in(tmp_path, {"ada": "1 +", "bob": "2 +"})
    ways = (
        ("ada", "bob", "--format", "gradescope", "junit", "--out", "1"),
        ("ada", "bob", "--out", "2", "--format", "gradescope", "--format", "junit"),
        ("--out", "3", "--format", "gradescope", "junit", "ada", "bob"),
        ("--format", "junit", "ada", "--format", "gradescope", "--out", "4", "bob"),
        ("--out=5", "--format=junit", "ada", "bob", "--format=gradescope"),
    )
    for i, way in enumerate(ways, 1):
        ok("grade", "--key", class_key, *way)
        assert {path.name for path in Path(str(i)).iterdir()} == {
            "class.csv", "results.jsonl", "feedback", "gradescope", "junit.xml",
        }  # fmt: skip
        assert Path(str(i), "results.jsonl").read_text().count("\n") == 2
    wrong = microgpt("grade", "ada", "--format", "junit", "gradscope", "--out", "6")
    assert (wrong.code, "format is 'gradscope'" in wrong.err) == (2, True)
    assert not Path("6").exists()

"""Data as people bring it, from the command line: read, kept with the run, and read again."""

import html
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli_runner import COMMAND, DOCS, SMALL, environment, microgpt, ok, posix, refused, written
from microgpt.cli import inspect
from microgpt.disk.checkpoint import RunDir
from microgpt.errors import CheckpointError, FileError
from microgpt.inspection.facts import repeat_command
from microgpt.opening import open_model, run_data
from patience import PATIENCE

pytestmark = pytest.mark.usefixtures("own_list")

PEOPLE = "name,born\nada,1815\neva,1900\nida,1880\nadele,1788\n"


def facts(run: str) -> dict[str, Any]:
    data = json.loads((Path(run) / "run.json").read_text(encoding="utf-8"))["data"]
    assert isinstance(data, dict)
    return data


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_column_is_trained_on_and_found_again() -> None:
    written("people.csv", PEOPLE)
    said = refused(2, "train", "people.csv", *SMALL)
    assert "people.csv has 2 columns, and none is named: 1 'name' ('ada')" in said
    assert "--column name" in said
    expected = ok("train", "own.txt", *SMALL, "--json")
    made = ok("train", "people.csv", "--column", "name", *SMALL, "--json", "--out", "r")
    assert "note: people.csv: column 1 of 2 'name', 4 rows" in made.err
    assert made.losses == expected.losses
    assert facts("r")["column"] == "name"
    assert facts("r")["field"] is None
    ok("train", "--resume", "r")
    marks = {s["mark"] for s in ok("sample", "r", "--json").of("samples")[0]}
    assert marks and None not in marks
    assert "column is 'nmae'" in refused(2, "train", "people.csv", "--column", "nmae", *SMALL)


def test_json_and_encodings_are_found_again() -> None:
    written("a.jsonl", '{"id": "1", "t": "ada"}\n{"id": "2", "t": "eva"}\n')
    ok("train", "a.jsonl", "--field", "t", *SMALL, "--out", "j")
    assert facts("j")["field"] == "t"
    written("w.txt", "René\nZoë\n".encode("cp1252"))
    result = ok("train", "w.txt", *SMALL, "--out", "w")
    assert "note: w.txt is read as Windows-1252" in result.err
    assert facts("w")["encoding"] == "cp1252"
    written("m.txt", "René\nZoë\n".encode("mac-roman"))
    ok("train", "m.txt", "--encoding", "mac-roman", *SMALL, "--out", "m")
    assert facts("m")["encoding"] == "mac-roman"
    for run, docs in (("j", ["ada", "eva"]), ("w", ["René", "Zoë"]), ("m", ["René", "Zoë"])):
        assert run_data(RunDir.open(run)).docs == docs
        ok("train", "--resume", run)
    assert "encoding is 'utf9'" in refused(2, "train", "w.txt", "--encoding", "utf9")


def test_several_files_and_patterns() -> None:
    written("a1.txt", "ada\neva\n")
    written("a2.txt", "ida\nadele\n")
    expected = ok("train", "own.txt", *SMALL, "--json")
    for files in (["a1.txt", "a2.txt"], ["a*.txt"]):
        made = ok("train", *files, *SMALL, "--json")
        assert made.losses == expected.losses
        run = made.of("run")[0]
        assert run["dir"].startswith(str(Path("runs") / "a1-"))
        assert run["data"]["path"] == [str(Path(n).resolve()) for n in ("a1.txt", "a2.txt")]
        ok("train", "--resume", run["dir"])
    written("c.toml", 'file = ["a1.txt", "a2.txt"]')
    assert ok("train", "--config", "c.toml", *SMALL, "--json").losses == expected.losses
    Path("moved").mkdir()
    for name in ("a1.txt", "a2.txt"):
        Path(name).rename(Path("moved") / name)
    assert "The run's data can't be read" in refused(3, "train", "--resume", run["dir"])
    ok("train", "moved/a1.txt", "moved/a2.txt", "--resume", run["dir"])
    assert "is not the data" in refused(
        3, "train", "moved/a2.txt", "moved/a1.txt", "--resume", run["dir"]
    )


def test_how_data_is_read_in_toml() -> None:
    written("people.csv", PEOPLE)
    written("c.toml", 'file = "people.csv"\ncolumn = "2"\n')
    assert ok("train", "--config", "c.toml", *SMALL, "--json", "--out", "r").code == 0
    assert facts("r")["column"] == "born"
    ok("train", "--config", "c.toml", "--column", "name", *SMALL, "--out", "q")
    assert facts("q")["column"] == "name"


def test_a_resumed_run_s_reading_is_fixed() -> None:
    ok("train", "own.txt", *SMALL, "--out", "r")
    for flag in ("--column", "--field", "--encoding"):
        said = refused(2, "train", "--resume", "r", flag, "x")
        assert f"{flag} can't be changed when a run is resumed" in said


def test_eval_and_import_read_the_same() -> None:
    written("people.csv", PEOPLE)
    ok("train", "own.txt", *SMALL, "--out", "r")
    expected = ok("eval", "r", "own.txt", "--json").of("eval")
    result = ok("eval", "r", "people.csv", "--column", "name", "--json")
    assert result.of("eval") == expected
    assert "note: people.csv: column 1 of 2" in result.err
    written("a1.txt", "ada\neva\n")
    written("a2.txt", "ida\nadele\n")
    assert ok("eval", "r", "a1.txt", "a2.txt", "--json").of("eval") == expected
    ok("export", "r", "m.json")
    ok("import", "m.json", "people.csv", "--column", "name", "--out", "i", "--steps", 12)
    assert facts("i")["column"] == "name"
    ok("train", "--resume", "i")


def test_what_came_through_a_pipe_is_kept_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ok("train", "own.txt", *SMALL, "--json", "--holdout", 0.3, "--out", "f")
    stdin(monkeypatch, DOCS.encode())
    made = ok("train", "-", *SMALL, "--json", "--holdout", 0.3, "--stop-after", 5)
    run = made.of("run")[0]["dir"]
    assert run == str(Path("runs") / "stdin-1")
    assert (Path(run) / "data.txt").read_bytes() == DOCS.encode()
    data = facts(run)
    assert (data["path"], data["kept"], data["name"]) == (None, "data.txt", "stdin")
    stdin(monkeypatch, b"")
    resumed = ok("train", "--resume", run, "--json")
    assert made.losses + resumed.losses == expected.losses
    assert resumed.of("samples") == expected.of("samples")
    assert ok("sample", run, "--json").of("samples") == ok("sample", "f", "--json").of("samples")
    assert ok("eval", run, "--json").of("eval") == ok("eval", "f", "--json").of("eval")
    Path(run).rename("elsewhere")
    ok("sample", "elsewhere", "--new")
    (Path("elsewhere") / "data.txt").write_bytes(b"ada\n")
    assert "is not the data" in refused(3, "train", "--resume", "elsewhere")
    stdin(monkeypatch, DOCS.encode())
    ok("train", "-", "--resume", "elsewhere")
    (Path("elsewhere") / "data.txt").unlink()
    assert "There is no file" in refused(3, "train", "--resume", "elsewhere")


def test_a_table_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, PEOPLE.encode("utf-16-le"))
    ok("train", "-", "--column", "1", *SMALL, "--out", "r")
    assert run_data(RunDir.open("r")).docs == ["ada", "eva", "ida", "adele"]
    stdin(monkeypatch, b"ada\neva\n")
    assert ok("eval", "r", "-").code == 0


def test_the_command_that_repeats_a_run_reads_its_data_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written("people.csv", PEOPLE)
    written("a1.txt", "ada\neva\n")
    written("w.txt", "René\n".encode("cp1252"))
    stdin(monkeypatch, DOCS.encode())
    for files in (["people.csv", "--column", "name"], ["a1.txt", "own.txt"], ["w.txt"], ["-"]):
        first = ok("train", *files, *SMALL, "--json")
        opened, _ = open_model(Path(first.of("run")[0]["dir"]))
        command = repeat_command(opened)
        assert command is not None
        again = ok(*shlex.split(command)[1:], "--json")
        assert again.of("run")[0]["data"]["sha256"] == first.of("run")[0]["data"]["sha256"]
        assert again.losses == first.losses


def test_reports_say_how_the_data_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, on the page, and as JSON; the page says no more than the file's name."""
    written("people.csv", PEOPLE)
    written("a.jsonl", '{"id": "1", "t": "ada"}\n{"id": "2", "t": "eva"}\n')
    written("w.txt", "René\n".encode("cp1252"))
    wanted = {
        "people.csv": {"column": "name"},
        "a.jsonl": {"field": "t"},
        "w.txt": {"encoding": "cp1252"},
        "-": {"kept": "data.txt", "column": ""},
    }
    for number, (file, said) in enumerate(wanted.items()):
        stdin(monkeypatch, DOCS.encode())
        flags = [
            word for key in ("column", "field") if key in said for word in (f"--{key}", said[key])
        ]
        ok("train", file, *flags, *SMALL, "--out", f"r{number}")
        again = ok("train", "--resume", f"r{number}", "--json").of("run")[0]["data"]
        assert again == facts(f"r{number}") and said.items() <= again.items()
        ok("inspect", f"r{number}", "--html", "r.html")
        page = re.search("<caption>Data</caption>(.*?)</table>", Path("r.html").read_text("utf-8"))
        assert page is not None
        shown = dict(re.findall("<th scope=row>(.*?)</th><td><bdi>(.*?)</bdi>", page[1]))
        text = ok("inspect", f"r{number}").out
        for key, value in said.items():
            words = {"": "none: every line is taken whole"}.get(value, value)
            assert html.unescape(shown[key]).startswith(words)
            assert f"  {key:<16}  {html.unescape(shown[key])}\n" in text
        assert set(shown) & {"column", "field", "encoding", "kept", "path"} == set(said)
        assert str(Path.cwd()) not in Path("r.html").read_text("utf-8")
    ok("train", "w.txt", "own.txt", *SMALL, "--out", "two")
    assert f"  path              {Path('w.txt').resolve()}, {Path('own.txt').resolve()}\n" in (
        ok("inspect", "two").out
    )


def test_a_page_says_why_counting_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the data could be read for the marks, and then no more."""
    ok("train", "own.txt", *SMALL, "--holdout", 0.3, "--out", "r")
    assert "note: " not in ok("inspect", "r", "--html", "r.html").err
    page = Path("r.html").read_text("utf-8")
    assert "bigram: counting which token follows which" in page and "missing" not in page
    own = str(Path("own.txt").resolve())

    def failing(*_: object) -> None:
        raise FileError(f"The run's data can't be read: {own}: Input/output error.")

    with monkeypatch.context() as patch:
        patch.setattr(inspect, "run_data", failing)
        said = ok("inspect", "r", "--html", "r.html").err
    assert f"note: the loss of counting is not shown: The run's data can't be read: {own}" in said
    page = html.unescape(Path("r.html").read_text("utf-8"))
    assert "bigram, the loss of counting, is missing: the run's data can't be read." in page
    assert "<span class=mark>" in page and own not in page
    written("own.txt", "ada\n")
    assert "samples are not marked" in ok("inspect", "r", "--html", "r.html").err
    page = html.unescape(Path("r.html").read_text("utf-8"))
    assert "is missing: the run's data is no longer what it was trained on, or not known." in page


@posix
def test_a_fifo_in_a_process_of_its_own() -> None:
    os.mkfifo("f")
    program = f"{subprocess.list2cmdline([*COMMAND])} train f {' '.join(map(str, SMALL))} --out r"
    done = subprocess.run(
        ["sh", "-c", f"printf 'ada\\neva\\n' > f & {program} && cat own.txt | head -c 4 | "
         f"{subprocess.list2cmdline([*COMMAND])} eval r /dev/stdin"],
        env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "bits per byte\n  on file: 1 document, 4 tokens\n" in done.stdout
    assert Path("r/data.txt").read_bytes() == b"ada\neva\n"
    ok("train", "--resume", "r")


def test_runs_from_before_tables_were_read_go_on() -> None:
    lines = written("people.csv", PEOPLE).read_text().split()
    ok("train", "people.csv", "--column", "", *SMALL, "--stop-after", 5, "--out", "r")
    assert run_data(RunDir.open("r")).docs == lines
    path = Path("r/run.json")
    run = json.loads(path.read_text(encoding="utf-8"))
    for step in Path("r").glob("step-*"):  # which hold copies of the right one
        shutil.rmtree(step)
    for key in ("column", "field", "encoding"):
        del run["data"][key]
    path.write_text(json.dumps(run), encoding="utf-8")
    assert run_data(RunDir.open("r")).docs == lines


def test_files_of_several_kinds_are_found_again() -> None:
    written("a.csv", "name\nada\n")
    written("b.csv", "word\neva\n")
    written("c.json", '["ida"]')
    written("d.txt", "Zoë Lund\n".encode("cp1252"))
    ok("train", "a.csv", "b.csv", "c.json", "d.txt", "own.txt", *SMALL, "--out", "r")
    assert facts("r")["column"] is None
    assert run_data(RunDir.open("r")).docs == ["ada", "eva", "ida", "Zoë Lund", *DOCS.split()]
    written("b.csv", "Name\neva\n")
    ok("train", "a.csv", "b.csv", "--column", "NAME", *SMALL, "--out", "q")
    assert run_data(RunDir.open("q")).docs == ["ada", "eva"]


def test_run_json_that_says_nonsense_about_reading() -> None:
    ok("train", "own.txt", *SMALL, "--out", "r")
    path = Path("r/run.json")
    run = json.loads(path.read_text(encoding="utf-8"))
    for step in Path("r").glob("step-*"):  # which hold copies of the right one
        shutil.rmtree(step)
    for key in ("column", "field", "encoding"):
        path.write_text(json.dumps({**run, "data": {**run["data"], key: ["x"]}}), encoding="utf-8")
        with pytest.raises(CheckpointError, match="doesn't say which data"):
            run_data(RunDir.open("r"))


def test_data_of_no_use_leaves_no_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, bytes(5000))
    assert "standard input (-) is not text: byte 0 is NUL" in refused(2, "train", "-", *SMALL)
    assert not Path("runs").exists()
    assert microgpt("train", "*.csv", *SMALL).code == 3
    assert not Path("runs").exists()

"""Printed commands: the words that the user has, quoted for the shell."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cli_runner import DINO, SRC, environment, ok, posix, process
from microgpt import calling
from patience import PATIENCE

ODD = 'it\'s $HOME; "x" & y'


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "_called", None)


@posix
def test_words_are_quoted() -> None:
    assert shlex.split(calling.command("sample", Path(ODD), 5)) == ["microgpt", "sample", ODD, "5"]
    assert calling.command("eval", Path("-odd"), "--json") == "microgpt eval ./-odd --json"


@posix
@pytest.mark.usefixtures("empty_directory")
def test_what_is_suggested_can_be_typed() -> None:
    """Each printed command, handed to a shell as it stands, works."""
    shown = ok("train", *DINO, "--stop-after", 3, "--out", ODD).out
    [line] = [line for line in shown.splitlines() if line.startswith("continue with: ")]
    _, command, *words = shlex.split(line.removeprefix("continue with:"))
    assert [command, *words] == ["train", "--resume", ODD]
    ok(command, *words)
    shown = ok("train", *DINO, "--out", "./-odd/run").out
    for line in shown.split("next:")[1].splitlines()[1:]:
        ok(*shlex.split(line)[1:])


def test_a_python_program_reads_the_name_alone() -> None:
    code = "import sys, microgpt; sys.argv[0] = '/x/y.py'; microgpt.open_model('nowhere')"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert "Train one first: microgpt train\n" in done.stderr


def test_the_module_is_called_as_it_was(tmp_path: Path) -> None:
    said = process("sample", "nowhere", cwd=tmp_path).err.splitlines()[1]
    assert said.endswith("-m microgpt train")
    program = shlex.split(said.partition(":")[2])[0] if os.name == "posix" else sys.executable
    found = subprocess.run([program, "-c", "import numpy"], check=False, timeout=PATIENCE)
    assert found.returncode == 0


@posix
def test_a_program_is_called_by_the_shortest_words_that_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my env" / "bin" / "microgpt"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    program.chmod(0o755)

    def called(here: Path, path: str) -> str:
        monkeypatch.chdir(here)
        monkeypatch.setenv("PATH", path)
        calling.called_as(str(program))
        return calling.command("train")

    assert called(Path("/"), str(program.parent)) == "microgpt train"
    assert called(tmp_path, "/nowhere") == "'my env/bin/microgpt' train"
    assert called(program.parent, "/nowhere") == "./microgpt train"
    assert called(Path("/"), "/nowhere") == f"{shlex.quote(str(program))} train"
    links = tmp_path / "links"
    links.mkdir()
    (links / "microgpt").symlink_to(program)
    assert called(Path("/"), str(links)) == "microgpt train"
    other = links / "other"
    other.mkdir()
    (other / "microgpt").write_text("#!/bin/sh\n")
    (other / "microgpt").chmod(0o755)
    assert called(Path("/"), str(other)) == f"{shlex.quote(str(program))} train"


def test_the_python_of_a_virtual_environment_is_not_that_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = Path(sys.executable).name
    path = tmp_path / name
    path.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shlex.split(calling.python("-V"))[0] == sys.executable
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert calling.python("-V") == f"{name} -V"


def test_no_command_is_written_by_hand() -> None:
    """In the sources of the house a command in a message comes from `calling`."""
    for path in SRC.rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for word in (": microgpt ", ": python ", "&& python ", "See microgpt "):
                assert f"{word}" not in line or "help=" in line, f"{path}:{number}: {line}"

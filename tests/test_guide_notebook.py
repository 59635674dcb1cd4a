"""The notebook that the guide offers for download: its form, and that it runs alone."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import notebook
from published import LOSSES, SAMPLES

ROOT = Path(__file__).resolve().parent.parent

FIRST = [f"{loss:.4f}" for loss in LOSSES[:7]]


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return json.loads(notebook.text())


def code(made: dict[str, Any], **settings: object) -> str:
    """All code cells as one program, with other settings in the cell that has them."""
    text = "\n".join("".join(c["source"]) for c in made["cells"] if c["cell_type"] == "code")
    for name, value in settings.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {value!r}", text, flags=re.M)
        assert count == 1, name
    return text


def run(text: str, folder: Path) -> list[str]:
    """What a program prints that is alone in an empty folder, without third-party modules."""
    (folder / "cells.py").write_text(text, encoding="utf-8")
    work = folder / "empty"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-I", "-S", folder / "cells.py"],
        cwd=work,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert list(work.iterdir()) == []
    return done.stdout.splitlines()


def test_it_has_the_form_of_a_notebook(made: dict[str, Any]) -> None:
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert set(made) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in made["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z0-9-]{1,64}", i) for i in ids)
    for cell in made["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            assert set(cell) == keys | {"execution_count", "outputs"}
            assert cell["execution_count"] is None and cell["outputs"] == []
            compile("".join(cell["source"]), cell["id"], "exec")
        else:
            assert cell["cell_type"] == "markdown" and set(cell) == keys
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert not cell["source"][-1].endswith("\n")
    text = notebook.text()
    assert text == notebook.text()
    assert not re.search(r"https?://|/work|/tmp|/home", re.sub(r'packed = \\?""".*?"""', "", text))


def test_its_cells_are_the_programs_own_sections(made: dict[str, Any]) -> None:
    program = notebook.PROGRAM.read_text(encoding="utf-8")
    for old, new in notebook.CHANGES:
        program = program.replace(old, new)
    sources = ["".join(c["source"]) for c in made["cells"] if c["cell_type"] == "code"]
    assert all(source in program for source in sources[3:])
    own = program[program.index("# A fixed seed") :].replace("\n\n# ", "\n# ").split()
    assert own == " ".join(sources[3:]).split()
    with pytest.raises(ValueError, match="other sections"):
        notebook.cells(notebook.PROGRAM.read_text().replace("\n\n# Samples", "\n# Samples"), "a")


def test_a_few_steps_have_the_published_losses(made: dict[str, Any], tmp_path: Path) -> None:
    lines = run(code(made, stop_after=len(FIRST)), tmp_path)
    assert lines[:3] == ["num docs: 32033", "vocab size: 27", "num params: 4192"]
    assert [line.rpartition(" ")[2] for line in lines[3 : 3 + len(FIRST)]] == FIRST
    assert lines[3].startswith("step    1 / 1000 | ")
    assert len([line for line in lines if line.startswith("sample ")]) == 20


@pytest.mark.prove
def test_the_whole_notebook_writes_the_published_names(
    made: dict[str, Any], tmp_path: Path
) -> None:
    lines = run(code(made), tmp_path)
    assert lines[1002] == "step 1000 / 1000 | loss 2.6497"
    names = [line.partition(": ")[2] for line in lines if line.startswith("sample ")]
    assert names[:5] == SAMPLES[:5]
    assert names[-1] == "anton"

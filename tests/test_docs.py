"""What README, CONTRIBUTING and the notes say is so: files, links, commands, code."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from microgpt.cli import run

ROOT = Path(__file__).parent.parent
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "notes").glob("*.md"),
    *(p for folder in ("ladder", "data", "conformance") for p in (ROOT / folder).glob("*.md")),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_walk_names_the_trunk() -> None:
    walk = re.findall(r"^\| (\d) \| \[`(\w+)\.py`\]", README, re.M)
    assert [int(number) for number, _ in walk] == [1, 2, 3, 4, 5, 6]
    assert [name for _, name in walk] == [
        "data", "tokenizer", "autograd", "model", "training", "sampling",
    ]  # fmt: skip


def test_readme_names_every_module() -> None:
    for path in (ROOT / "src" / "microgpt").iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        if not name.startswith(("__", "cli/")) and name != "py.typed":
            assert name in README, f"README says nothing of {name}"


def commands() -> list[str]:
    """Every call of microgpt that a page shows: a line of a code block, or a piece of code."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
            found |= {line for line in block.splitlines() if line.startswith("microgpt ")}
        found |= set(re.findall(r"`(microgpt [a-z][^`\n]*)`", text))
    return sorted(found)


@pytest.mark.parametrize("command", commands())
def test_commands_are_commands(command: str) -> None:
    """Each flag that a page mentions is one that the command's help lists."""
    words = shlex.split(command, comments=True)[1:]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([words[0], "--help"]) == 0
    for word in words[1:]:
        if word.startswith("--"):
            assert word.split("=")[0] in out.getvalue(), f"{word} of: {command}"


@pytest.mark.parametrize("model", ["None", repr(str(ROOT / "data" / "model.json"))])
def test_python_in_readme_runs(model: str) -> None:
    """Also with a path, as text, where its comment says that one may stand."""
    (block,) = re.findall(r"```python\n(.*?)```", README, re.S)
    block = block.replace("open_model(None)", f"open_model({model})")
    assert model in block
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block, "README.md", "exec"), {})
    assert len(out.getvalue().split(",")) == 5


def test_a_shipped_model_is_sampled_by_public_names_alone() -> None:
    """What README's Python does; the names are those that a reader gets from the shipped model."""
    import random

    import microgpt

    assert "engine_for" in microgpt.__all__
    model, _ = microgpt.open_model(None)
    engine = microgpt.engine_for(model)
    names = microgpt.sample(engine, model.tokenizer, random.Random(42), 5)
    assert names == ["kana", "keelan", "alilan", "ariel", "cairi"]


def test_the_reference_samples_of_the_readme() -> None:
    """The first six lines that README shows are what a run prints."""
    from microgpt import training
    from microgpt.cli.screen import sample_lines
    from microgpt.config import make_config
    from microgpt.data import load_data

    *_, last = training.Trainer(make_config(), load_data("names")).events()
    lines = sample_lines(last["samples"])
    for line in [*lines[:6], lines[-1]]:
        assert line in README

"""What the site that hosts the repository reads: CITATION.cff, templates and workflows."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = (ROOT / "CITATION.cff").read_text("utf-8")


# ---------------------------------------------------------------- citation


def field(name: str) -> str:
    """The value of a top-level key that has its value on the same line."""
    (value,) = re.findall(rf"^{name}: (.+)$", CITATION, re.MULTILINE)
    return value


def test_the_citation_says_what_pyproject_says() -> None:
    """Read as text, so that this runs where no YAML parser is installed."""
    assert field("cff-version") == "1.2.0"
    assert field("title") == PROJECT["name"]
    assert field("version") == PROJECT["version"]
    assert field("license") == PROJECT["license"]
    (author,) = PROJECT["authors"]
    assert f"\nauthors:\n  - name: {author['name'].capitalize()}\n" in CITATION
    listed = CITATION.split("\nkeywords:\n")[1].split("\nreferences:")[0]
    assert [line.removeprefix("  - ") for line in listed.splitlines()] == PROJECT["keywords"]


def test_the_citation_has_what_the_format_asks_for(require: Callable[[str], Any]) -> None:
    cited = require("yaml").safe_load(CITATION)
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    (reference,) = cited["references"]
    assert {"type", "title", "authors"} <= set(reference)
    # An address that readers of the README are given, and none that nobody registered.
    assert f"]({reference['url']})" in (ROOT / "README.md").read_text("utf-8")
    assert "doi" not in CITATION


# ---------------------------------------------------------------- templates


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]-*.yml"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_can_be_shown(path: Path, require: Callable[[str], Any]) -> None:
    """A form with a field that the hosting site doesn't take isn't offered at all."""
    form = require("yaml").safe_load(path.read_text("utf-8"))
    assert set(form) == {"name", "description", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    for field in form["body"]:
        assert field["type"] in ("input", "textarea")
        assert field["attributes"]["label"]
        assert set(field["attributes"]) <= {"label", "description", "placeholder", "render"}
        assert field["type"] == "textarea" or "render" not in field["attributes"]
        assert set(field.get("validations", {"required": True})) == {"required"}
    assert any(field.get("validations") for field in form["body"])


def test_a_fault_is_told_with_what_is_needed_to_find_it(require: Callable[[str], Any]) -> None:
    assert [path.stem for path in FORMS] == ["1-fault", "2-guide", "3-question"]
    form = require("yaml").safe_load(FORMS[0].read_text("utf-8"))
    assert [field["id"] for field in form["body"]] == ["command", "came", "expected", "doctor"]
    assert all(field["validations"]["required"] for field in form["body"])


def test_commands_in_the_templates_are_commands() -> None:
    """What people are asked to run is there: `make` targets and subcommands of microgpt."""
    targets = (ROOT / "Makefile").read_text("utf-8")
    commands = {path.stem for path in (ROOT / "src" / "microgpt" / "cli").glob("*.py")}
    asked = "".join(path.read_text("utf-8") for path in FORMS)
    asked += (ROOT / ".github" / "pull_request_template.md").read_text("utf-8")
    named = re.findall(r"`(make|microgpt) ([a-z-]+)`", asked)
    assert {"make", "microgpt"} == {program for program, _ in named}
    for program, word in named:
        assert re.search(rf"^\.PHONY:.* {word} ", targets, re.M) or program == "microgpt"
        assert word in commands or program == "make"

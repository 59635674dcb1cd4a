"""What the site that hosts the repository reads: CITATION.cff, templates and workflows."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

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

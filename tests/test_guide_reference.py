"""The reference of the package and of the command: complete, right, and with examples that run."""

import ast
import contextlib
import doctest
import inspect
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import commands
import docstrings
import fonts
from guide_pages import GUIDE, ROOT
from microgpt.cli import run

PAGE = (GUIDE / "pages" / "reference" / "python.md").read_text(encoding="utf-8")
TYPES = re.findall(r"^@reference (microgpt\..+)$", PAGE, re.M)
NAMES = [*docstrings.public(), *TYPES]


def outcome(text: str, name: str) -> str:
    """What goes wrong when an example is typed at a prompt; empty if it prints what it shows."""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert any(one.want for one in test.examples), f"the example of {name} shows nothing"
    said = io.StringIO()
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.write)
    return said.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_every_example_prints_what_it_shows(name: str, empty_directory: Path) -> None:
    assert outcome(docstrings.example(name), name) == ""


def test_an_example_that_is_wrong_is_found(empty_directory: Path) -> None:
    right = docstrings.example("microgpt.Value")
    assert "(8.0, 4.0, 2.0)" in outcome(right.replace("a * b", "a - b"), "microgpt.Value")
    assert "Got:" in outcome(right.replace("(8.0, 4.0, 2.0)", "(8.0, 4.0, 3.0)"), "microgpt.Value")


def test_the_page_has_every_public_name() -> None:
    assert "@reference python" in PAGE.splitlines()
    shown = "\n".join(line for name in docstrings.public() for line in docstrings.entry(name))
    heads = re.findall(r"^## `(\w+)`", shown, re.M)
    assert [f"microgpt.{head}" for head in heads] == docstrings.public()
    assert TYPES


def test_what_readme_uses_is_public() -> None:
    (block,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S
    )
    assert {f"microgpt.{name}" for name in re.findall(r"microgpt\.(\w+)", block)} <= {*NAMES}


@pytest.mark.parametrize("name", [name for name in NAMES if "__" not in name])
def test_a_signature_has_the_parameters_that_python_sees(name: str) -> None:
    text = docstrings.signature(name)
    assert "_SAMPLES" not in text and all(len(line) <= 100 for line in text.splitlines())
    seen = inspect.signature(docstrings.found(name)).parameters.values()
    wanted = [one.name for one in seen]
    if wanted in (["args", "kwargs"], []):  # a class without a constructor of its own
        assert "(" not in text
        return
    inside = re.sub(r"lambda [\w, ]+:", "lambda:", text[text.index("(") : text.rindex(")")])
    found = re.findall(r"(?:^\(| {4}|, )\*{0,2}(\w+)(?=[:,=]|$)", inside.replace("\n", ""))
    assert found == wanted
    for one in seen:
        given = re.search(rf"\b{one.name}: [^\n]*? = (None|True|False|[\d.e-]+)(?=[,\n]|$)", inside)
        assert given is None or ast.literal_eval(given[1]) == one.default


def test_docstrings_become_markdown() -> None:
    assert docstrings.marked("``a_b`` is *x*, a_b < [2] $") == r"`a_b` is \*x\*, a\_b &lt; \[2\] \$"
    text = "One\nline.\n\nDrawn::\n\n    a --> b\n\nThe end.\n\nExample:\n    >>> 1\n"
    shown = ["One line.", "", "Drawn:", "", "```text", "a --> b", "```", "", "The end.", ""]
    assert docstrings.prose(text) == shown


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("microgpt.data.fnv1a32", "the docstring of microgpt.data.fnv1a32 has no example"),
        ("microgpt.config._demo", "microgpt.config._demo has no docstring"),
        ("microgpt.nothing", "there is no microgpt.nothing"),
    ],
)
def test_what_is_missing_fails_the_build(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        docstrings.entry(name)


def test_the_extension_takes_the_place_of_its_line(require: Callable[[str], ModuleType]) -> None:
    markdown = require("markdown")
    require("pygments")
    made = markdown.markdown(
        "Before.\n\n@reference microgpt.sampling.Settings\n\nAfter.",
        extensions=["attr_list", "def_list", "md_in_html", "reference", "quoting"],
    )
    assert re.search(r'^<p>Before\.</p>\n<h2 id="Settings"><code>Settings</code></h2>', made)
    assert "@reference" not in made and made.endswith("<p>After.</p>")
    assert '<figure class="code" data-source=""><pre aria-label="pycon code">' in made


# ---------------------------------------------------------------- the command


def helped(words: list[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run([*words, "--help"]) == 0
    return out.getvalue()


def test_the_page_has_every_command_and_flag() -> None:
    parts = re.split(
        r"^##+ `microgpt ([a-z ]+)` \{#[a-z-]+\}$", "\n".join(commands.described()), flags=re.M
    )
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert {*commands.listed()} <= {*sections} and len(sections) > len(commands.listed())
    overview = helped([])
    for name, about in commands.listed().items():
        assert name in overview and about in " ".join(overview.replace("│", " ").split())
    for name, section in sections.items():
        flags = {*re.findall(r"(?<![\w-])--[a-z][a-z-]*", helped(name.split()))} - {"--help"}
        missing = [flag for flag in flags if flag not in section]
        assert not missing, (name, missing)


def test_defaults_are_told_once() -> None:
    text = "\n".join(commands.described())
    assert "`--count`, `-n INT`\n:   How many to write. Default: 20; of running text 3.\n" in text
    assert "Port; 0 picks a free one. Default: 8042, or a free one.\n" in text
    assert ":   Open it in the browser. Default: `--open`.\n" in text
    assert "Overwrite a file of that name, or an earlier export.\n" in text  # a switch is off
    assert not re.search(r"\\\[|If not given|Default: (True|False|None|-1)\b", text)


def test_the_fonts_have_all_that_the_reference_shows() -> None:
    lines = [*commands.described(), *(line for name in NAMES for line in docstrings.entry(name))]
    assert {*"".join(lines)} <= {*fonts.ASCII, *fonts.ACCENTS, *fonts.SIGNS}


# ---------------------------------------------------------------- in the site


@pytest.mark.slow
def test_the_search_finds_every_name(guide_site: Path) -> None:
    entries = json.loads((guide_site / "search.json").read_text(encoding="utf-8"))
    places = {entry["title"]: entry["location"] for entry in entries}
    page = (guide_site / "reference" / "python" / "index.html").read_text(encoding="utf-8")
    for name in NAMES:
        short = name.rpartition(".")[2]
        anchor = short.strip("_")
        assert places[short] == f"reference/python/#{anchor}"
        assert page.count(f'id="{anchor}"') == 1
    assert places["microgpt train"] == "reference/command/#train"

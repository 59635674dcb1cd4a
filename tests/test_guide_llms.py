"""llms.txt and llms-full.txt: their form, that nothing is missing, and that they read as text."""

import importlib
import re
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import commands
import docstrings
from guide_pages import BUILT, GUIDE, KNOWN, ROOT

LINK = re.compile(r"\]\(([^()\s]+)\)")
ENTRY = re.compile(r"- \[[^\]]+\]\(([^()\s]+)\): \S.*")
HELD = re.compile(r"^```.*?^```$|`[^`\n]+`|\$\$.+?\$\$|\$[^$\n]+\$", re.M | re.S)


@pytest.fixture
def made(require: Callable[[str], ModuleType]) -> Any:
    for module in ("markdown", "pygments", "latex2mathml"):
        require(module)
    import llms

    return llms


@cache
def listed() -> str:
    return str(importlib.import_module("llms").listed(KNOWN))


@cache
def whole() -> str:
    return str(importlib.import_module("llms").whole(KNOWN))


@pytest.fixture
def plain(made: Any) -> Any:
    return made.plain


def test_the_list_has_the_form_of_llmstxt_org(made: Any) -> None:
    lines = listed().splitlines()
    assert lines[0] == "# microgpt" and lines[1] == "" and lines[2].startswith("> ")
    first = next(i for i, line in enumerate(lines) if line.startswith("## "))
    assert not [line for line in lines[1:first] if line.startswith("#")]
    for line in lines[first:]:
        assert not line or line.startswith("## ") or ENTRY.fullmatch(line), line
    assert lines[0] == whole().splitlines()[0]
    assert [line for line in lines if line.startswith("# ")] == ["# microgpt"]


def test_the_list_has_every_page_once_with_its_description(made: Any) -> None:
    targets = ENTRY.findall(listed())
    assert len(targets) == len(set(targets))
    for page in BUILT:
        about = made.plain.description(page.page)
        assert about[-1] in ".!?" and about[0] != '"'
        assert f"- [{page.name}]({page.url or './'}): {about}\n" in listed()
    for name, about in commands.listed().items():
        assert f"- [microgpt {name}](reference/command/#{name}): {about}\n" in listed()


def test_both_begin_with_what_readme_says(made: Any) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for text in (listed(), whole()):
        assert f"> {made.summary()}\n" in text and made.summary() in readme
        assert made.from_python() in text and made.from_python() in readme
        assert [name for name, _ in made.walk()][:2] == ["microgpt.data", "microgpt.tokenizer"]
        assert all(f"- `{name}`: {about}\n" in text for name, about in made.walk())


def test_the_whole_text_has_every_page_module_name_and_command(made: Any) -> None:
    text = whole()
    for page in BUILT:
        title = re.search(
            r"^# .+$", (GUIDE / "pages" / f"{page.page}.md").read_text(encoding="utf-8"), re.M
        )
        assert title and f"\n---\n\nPage: {page.url or './'}\n\n{title[0]}\n" in text
    for name in docstrings.public():
        assert f"\n{docstrings.signature(name)}\n" in text
        assert f"\n{docstrings.example(name)}\n" in text
    for name in commands.listed():
        assert f"\n## `microgpt {name}`\n" in text
    for path in (ROOT / "src" / "microgpt").rglob("[a-z]*.py"):
        name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        assert f"\n- `{name}`: " in text
    assert (ROOT / "ladder" / "train5.py").read_text(encoding="utf-8") in text


def test_it_reads_as_text(made: Any) -> None:
    texts = (listed(), whole())
    for text in texts:
        assert text.endswith(".\n" if text == texts[0] else "```\n")
        words = HELD.sub("", text)
        assert not re.findall(r"</?[a-zA-Z][^>\n]*>|\0|&[a-z]+;|^@\w+|\[\[|\{[:#]", words, re.M)
        assert str(ROOT) not in text


def test_the_same_sources_make_the_same_text(made: Any, tmp_path: Path) -> None:
    """Of both, byte by byte; the whole site is compared in test_guide_site.py."""
    made.write(tmp_path, KNOWN)
    assert (tmp_path / "llms.txt").read_bytes() == listed().encode()
    assert (tmp_path / made.FULL).read_bytes() == whole().encode()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ('<p class="lead">A <em>b</em> <code>c</code>.</p>', "A *b* `c`."),
        ("Say `<mg-x>` and $a < b$.", "Say `<mg-x>` and $a < b$."),
        ("```html\n<p>x</p>\n```", "```html\n<p>x</p>\n```"),
        ('<mg-x value="2">\n\n**Shown.**\n\n</mg-x>', "**Shown.**"),
        ("<ul><li>one</li><li data-answer>two</li></ul>", "- one\n- two (the answer)"),
        ('<ul><li data-value="7">too many</li></ul>', "- On the answer 7: too many"),
        ('<mg-x answer="3"><p>How many?</p></mg-x>', "How many?\n\nAnswer: 3"),
        ('A <a href="../files/x.py" download>x.py</a>', "A [x.py](files/x.py)"),
        ("[a](loop.md#b), [c](../glossary.md), [d](#e)", ""),
        ("[f](../index.md), [g](https://e.org/h.md)", "[f](./), [g](https://e.org/h.md)"),
        ("[l](../lessons.md?path=lessons#the-way)", "[l](lessons/#the-way)"),
        ("## Head {#place}\n\ntext\n{: .opening }", "## Head\n\ntext"),
        ('<svg aria-label="A curve"><text>x</text></svg>', "(A curve)"),
        ("2<sup>3.83</sup>, x<sub>i</sub>", "2^3.83, x_i"),
        ("1 &lt; 2", "1 < 2"),
    ],
)
def test_what_becomes_of_tags_and_links(plain: Any, source: str, said: str) -> None:
    said = said or "[a](learn/loop/#b), [c](glossary/), [d](learn/x/#e)"
    assert plain.markdown("learn/x", f"---\ndescription: D.\n---\n{source}\n") == f"{said}\n"


def test_lines_with_an_at_are_filled_in(plain: Any) -> None:
    source = (
        "@code ladder/train5.py: def softmax\n\n@path lessons\n\n@term Loss | learn/loss | loss\nX."
    )
    text = plain.markdown("x", source)
    assert re.match(r"ladder/train5\.py, lines \d+ to \d+:\n\n```py\ndef softmax\(", text)
    assert "[The dataset](learn/dataset/) 4 the dataset" in text
    assert "### Loss\n\nX.\n\nTaught in [Loss](learn/loss/)." in text


# ---------------------------------------------------------------- in the site


@pytest.mark.slow
def test_every_link_of_both_leads_to_a_file_of_the_site(guide_site: Path) -> None:
    for name in ("llms.txt", "llms-full.txt"):
        text = HELD.sub("", (guide_site / name).read_text(encoding="utf-8"))
        links = {link for link in LINK.findall(text) if not link.startswith("https://")}
        assert len(links) > 60
        for link in links:
            path, _, anchor = link.partition("#")
            target = guide_site / path / ("index.html" if path.endswith("/") else "")
            assert target.is_file(), link
            anchor = anchor.partition("?")[0]
            assert not anchor or f'id="{anchor}"' in target.read_text(encoding="utf-8"), link


@pytest.mark.slow
def test_the_guide_serves_both(guide_address: str, guide_site: Path) -> None:
    for name in ("llms.txt", "llms-full.txt"):
        with urllib.request.urlopen(f"{guide_address}{name}") as answer:
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.read() == (guide_site / name).read_bytes()

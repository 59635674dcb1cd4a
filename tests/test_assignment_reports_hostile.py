"""Every report format against hostile text: nothing unescaped, everything parses."""

import base64
import csv
import io
import json
import re
import unicodedata
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_results import PLAIN, result_of
from microgpt.assignment.intake.students import Student
from microgpt.assignment.reports import (
    FORMATS,
    classroom,
    gradescope,
    junit,
    nothing_from,
    otter,
    page,
    table,
    terminal,
    text,
    write_all,
)
from microgpt.assignment.result import Result

VOID = {"meta"}
TAGS = {
    *VOID, "html", "head", "title", "style", "body", "header", "main", "section", "div", "p", "b",
    "h1", "h2", "h3", "ul", "li", "span", "bdi", "code", "table", "thead", "tbody", "tfoot", "tr",
    "th", "td", "i", "figure",
}  # fmt: skip
NASTY = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "</style></title><svg/onload=alert(1)>",
    "<!--",
    "]]>",
    "&lt;&amp;&#x3c;",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\u200b=1",
    "\uff1d1",
    'a"b;c,d\te\nf\r\ng',
    "\x1b[31mred\x1b[2J\x1b[1;1H",
    "\x1b]0;title\x07\x1b]8;;http://x.org\x1b\\link",
    "\x9b31m\x9dtitle\x9c",
    "nul\0nul",
    "\u202egnp.exe",
    "\u2066iso\u2069",
    "a\u0300\u0301\u0302\u0303\u0304\u0305" * 3,
    "\ud800 lone",
    "\ufffe\uffff",
    "\u2028line\u2029par\x85nel\x0bvt\x0cff",
    "[bold red]markup[/] :smile: [link=http://x.org]x[/link]",
    "%s {0} ${x} `id` $(id)",
    "CON",
    "../../etc/passwd",
    "😀👩‍💻 علي 中文",
    "",
    "   ",
    "x" * 1_000_000,
    "\u0301" * 100_000,
]
hostile = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(), max_size=40),
    st.lists(st.sampled_from([n[:200] for n in NASTY]), max_size=3).map("".join),
)


def visible(line: str) -> bool:
    """Whether a line has none of what a terminal or a reader could be fooled with."""
    return not any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in line)


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text; complains where tags don't match."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.words: list[str] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")


# ---------------------------------------------------------------- text


@given(hostile, st.integers(1, 300))
def test_plain_text_is_visible_and_short(word, most):
    line = text.plain(word, most)
    assert visible(line) and "\n" not in line and len(line) <= most
    assert text.plain(line, most) == line
    line.encode("utf-8")


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("a\u202eb\u2066c", "abc"),
        ("a\r\nb\tc", "a b c"),
        ("Zoë 中文 علي 😀", "Zoë 中文 علي 😀"),
        ("e\u0301" + "\u0301" * 9, "e\u0301\u0301\u0301"),
        ("x" * 600, "x" * 499 + "…"),
    ],
)
def test_plain_text_keeps_what_can_be_read(word, line):
    assert text.plain(word) == line


def test_html_is_escaped_for_attributes_too():
    assert text.html("<a href=\"x\" id='y'>&") == (
        "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"
    )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\u200b=", "\uff1d"])
def test_formulas_are_defused(start):
    assert text.cell(f"{start}1+1").startswith("'")
    assert not text.cell("a=1").startswith("'")


@given(st.lists(hostile, max_size=8))
def test_file_names_are_safe_and_different(words):
    names = text.file_names(words)
    assert len({name.casefold() for name in names}) == len(words)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,90}", name), name
        assert ".." not in name and not re.fullmatch(r"(?i)(con|prn|aux|nul)(\..*)?", name)


def test_file_names_do_not_depend_on_the_others():
    assert text.file_names(["s1", "Zoë", "CON", "s1"]) == [
        "s1",
        *text.file_names(["Zoë"]),
        *text.file_names(["CON"]),
        "s1-2",
    ]
    assert text.file_names(["a/b"]) != text.file_names(["a b"])


# ---------------------------------------------------------------- the formats, hostile text


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_the_page_has_the_same_tags_whatever_the_text(words):
    content = page.render(result_of(words))
    content.encode("utf-8")
    found = Page(content)
    # The same tags and attributes as for harmless text: so no text became a tag or an attribute.
    assert found.tags == Page(page.render(PLAIN)).tags
    assert {tag for tag, _ in found.tags} <= TAGS
    assert visible("".join(found.words).replace("\n", ""))
    assert len(content) < 40_000


def test_the_page_asks_nobody_for_anything():
    content = page.render(PLAIN)
    attributes = {name for _, attrs in Page(content).tags for name, _ in attrs}
    assert not attributes & {"src", "href", "srcset", "action", "data", "poster"}
    assert "url(" not in content and "@import" not in content and "://" not in content
    assert "default-src 'none'" in content
    picture = "<figure><svg></svg></figure>"
    assert picture in page.render(PLAIN, "<svg></svg>")
    with pytest.raises(AssertionError):
        page.render(PLAIN, "<svg><SCRIPT></svg>")


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_tables_read_back_with_as_many_cells(words):
    results = [result_of(words), result_of(words[::-1]), nothing_from(Student(words[0], "x"))]
    students = [Student(words[0], words[-1], words[-1])]
    for content, columns in (
        (table.render(results, students)[1:], table.COLUMNS),
        (otter.render(results), otter.COLUMNS),
    ):
        content.encode("utf-8")
        rows = list(csv.reader(io.StringIO(content, newline=""), strict=True))
        assert [len(row) for row in rows] == [len(columns)] * len(rows)
        assert rows[0] == list(columns)
        assert len(content.splitlines()) == len(rows)  # no cell has a line of its own
        for cell in (cell for row in rows for cell in row):
            assert visible(cell) and not cell.lstrip().startswith(("=", "+", "-", "@")), cell


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_xml_parses_and_has_the_same_elements(words):
    results = [result_of(words), result_of(words[::-1])]
    root = ElementTree.fromstring(junit.render(results).encode("utf-8"))
    plain = ElementTree.fromstring(junit.render([PLAIN, PLAIN]).encode("utf-8"))

    def outline(element):
        return element.tag, sorted(element.attrib), [outline(e) for e in element]

    assert outline(root) == outline(plain)
    for element in root.iter():
        assert all(visible(v) for v in element.attrib.values())
        assert visible((element.text or "").replace("\n", ""))


def strings(value):
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield key
            yield from strings(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from strings(inside)


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=40)
def test_json_parses_and_its_text_is_visible(words):
    result = result_of(words)
    decoded = base64.b64decode(classroom.encode(result), validate=True)
    for content in (gradescope.render(result), json.loads(decoded)):
        again = json.loads(json.dumps(content, allow_nan=False))
        assert again == content
        assert all(visible(s.replace("\n", "")) for s in strings(again))


@given(st.lists(hostile, min_size=1, max_size=6), st.integers(20, 200))
@settings(max_examples=50)
def test_terminal_text_moves_no_cursor(words, columns):
    results = [result_of(words), result_of(words[::-1])]
    one, many = terminal.render(results[0], columns), terminal.render_class(results)
    for line in (one + many).splitlines():
        assert visible(line)
    assert max(map(text.width, one.splitlines()[1:])) <= max(60, columns)
    assert len(many.splitlines()) == 5


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("word", NASTY)
def test_colours_are_the_only_escapes_on_a_terminal(word, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    results = [result_of([word]), PLAIN]
    for some in (results[:1], results):
        screen = Screen()
        terminal.show(some, screen)
        bare = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
        assert all(visible(line) for line in bare.split("\n"))
    assert bare != screen.getvalue()
    assert ":smile:" in bare or "smile" not in word
    pipe = io.StringIO()
    terminal.show(results, pipe)
    assert pipe.getvalue() == terminal.render_class(results)


# ---------------------------------------------------------------- files


@given(st.lists(hostile, min_size=1, max_size=6))
@settings(max_examples=15)
def test_hostile_results_stay_inside_the_directory(tmp_path_factory, words):
    out = tmp_path_factory.mktemp("hostile") / "out"
    results = [result_of(words), result_of(words[::-1])]
    paths = write_all(results, out, FORMATS)
    inside = [p for p in out.parent.rglob("*") if p.is_file()]
    assert sorted(paths) == sorted(inside)
    lines = (out / "results.jsonl").read_text("ascii").splitlines()
    assert [Result.from_json(json.loads(line)) for line in lines] == results

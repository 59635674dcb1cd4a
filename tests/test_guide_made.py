"""Numbers and the lines of code that make them: anchors by syntax, and the pages that use them."""

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("markdown", reason="what builds the guide isn't installed (--guide)")

import anchors
import checking
import made
import sitemap
from guide_pages import GUIDE

ROOT = GUIDE.parent
ROWS = made.read()
SOURCE = """\
class Value:
    def double(self): return self.data * 2
    def __init__(self, data):
        self.data, self.grad = data, 0.0

def f(x, params):
    y = g(x)
    for i in range(3):
        y = [h(yi, "layer.one") for yi in y]
        y += [i]
        seen.append(y)
        grads["w"][
            i] = 1
    return y

def f2(): pass
print(f(1))
"""


@pytest.mark.parametrize(
    ("anchor", "lines"),
    [
        ("f/return", (14, 14)),
        ("def f", (6, 6)),
        ("class Value", (1, 1)),
        ("Value.double/return", (2, 2)),
        ("Value/__init__/self.grad", (4, 4)),
        ("f/for i", (8, 8)),
        ("f/y = g", (7, 7)),
        ("f/y using one", (9, 9)),
        ("f/y using h", (9, 9)),
        ("f/seen.append()", (11, 11)),
        ("f/grads['w'][i]", (12, 13)),
        ("print()", (17, 17)),
    ],
)
def test_what_an_anchor_means(anchor: str, lines: tuple[int, int]) -> None:
    assert anchors.find(SOURCE, anchor) == anchors.Span(*lines)


@pytest.mark.parametrize(
    ("anchor", "said"),
    [
        ("g/return", "g is defined nowhere in the program"),
        ("f/x", "no statement is x in f"),
        ("f/y", "3 statements, in lines 7, 9, 10, are y in f"),
        ("f/y using nothing", "no statement is y using nothing in f"),
        ("f/y[", r"y\[ can't be read"),
    ],
)
def test_an_anchor_that_means_none_or_several(anchor: str, said: str) -> None:
    with pytest.raises(anchors.AnchorError, match=said):
        anchors.find(SOURCE, anchor)


def test_each_anchor_of_the_pages_has_its_line() -> None:
    made.of_pages.cache_clear()
    assert sum(map(len, made.of_pages().values())) == len(ROWS) > 100


def test_a_renamed_function_is_named_with_its_pages(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ladder", tmp_path / "ladder")
    program = tmp_path / "ladder" / "train5.py"
    source = program.read_text(encoding="utf-8")
    program.write_text(re.sub(r"\bsoftmax\b", "shares_of", source), encoding="utf-8")
    with pytest.raises(ValueError, match="aren't there") as refused:
        made.resolve(ROWS, tmp_path)
    head, *lost = str(refused.value).split("\n")
    assert head == "guide/notes/lines.md names lines that aren't there:"
    said = "softmax is defined nowhere in the program"
    assert f"  ladder/train5.py: softmax/return, for probs on learn/architecture: {said}" in lost
    # All of them in one message: also the calls.
    assert len(lost) == 6 and all(line.startswith("  ladder/train5.py: ") for line in lost)
    assert sum("gpt/weights = softmax" in line for line in lost) == 2
    assert all(
        any(f"on learn/{page}:" in line for line in lost) for page in ("inference", "temperature")
    )


def test_a_kind_without_a_row_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "learn" / "softmax.md"
    page.parent.mkdir()
    page.write_text('A <span data-made="prob half">share</span>.', encoding="utf-8")
    with pytest.raises(ValueError, match="half on learn/softmax, which has no row"):
        made.check(ROWS, tmp_path)
    with pytest.raises(ValueError, match="learn/nowhere, which is no page"):
        made.check([*ROWS, made.Made("learn/nowhere", "a", "b", "c", "d")])


def test_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    note = tmp_path / "lines.md"
    note.write_text("## learn/softmax\n\n| prob | train1.py | a share |\n", encoding="utf-8")
    with pytest.raises(ValueError, match="can't be read"):
        made.read(note)


def test_lines_are_marked_wherever_they_are_quoted() -> None:
    line = next(s for r, s in made.of_pages()["learn/softmax"].items() if r.kind == "prob").first
    listing = f'<span class="line in4" data-line="{line}">'
    page = (
        f'<figure class="code" data-source="ladder/train1.py">{listing}</figure>'
        f'<figure class="code" data-source="ladder/train2.py">{listing}</figure></body>'
    )
    put = made.put(page, "learn/softmax")
    assert put.count(f'data-line="{line}" data-made="prob">') == 1
    told = put.partition('<template class="made-lines" data-lines>')[2]
    assert '<div data-name="prob"><p>the share of an exponential' in told
    assert f"ladder/train1.py, line {line}" in told and "<math" in told
    assert made.put(page, "learn/scrubber") == page


@cache
def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def scripts(start: tuple[Path, ...]) -> set[Path]:
    return checking.closure(GUIDE, list(start), [])


# Where a script takes the kind from a list or a table of its own.
TABLES = {
    "js/figures/gradients/value-card.js": {"data", "children", "local", "grad"},
    "js/figures/networks/attention-shapes.js": {"q", "k", "v", "mix", "weight"},
    "js/figures/networks/loss-pairs.js": {"counted", "loss"},
    "js/kit/graph.js": {"data", "grad"},
    "widgets/mlp.js": {"x", "hidden", "logit"},
    "widgets/value.js": {"mul", "add", "pow", "log", "exp", "relu"},
}


def test_each_kind_is_shown_on_its_page() -> None:
    """In its text, or by a script of one of its widgets; and each word of a table is there."""
    pages = sitemap.read().pages
    modules = {
        element: path.resolve()
        for path in [*GUIDE.glob("widgets/*.js"), *GUIDE.glob("js/kit/*.js")]
        for element in re.findall(r'define\("(mg-[a-z0-9-]+)"', path.read_text(encoding="utf-8"))
    }
    missing = {}
    for page in {row.page for row in ROWS}:
        texts = [(GUIDE / "pages" / f"{page}.md").read_text(encoding="utf-8")]
        kinds = {row.kind for row in ROWS if row.page == page}
        start = [modules[widget] for widget in pages[page].covers["widgets"]]
        used = set()
        for path in scripts(tuple(start)):
            texts.append(read(path))
            table = TABLES.get(path.relative_to(GUIDE).as_posix(), set())
            assert all(re.search(rf"\b{kind}\b", texts[-1]) for kind in table), path
            used |= table
        marks = re.findall(r'\b(?:data-made|made)"?[=:] ?"([^"]+)"', "\n".join(texts))
        used |= {kind for mark in marks for kind in mark.split()}
        if kinds - used:
            missing[page] = kinds - used
    assert not missing


def test_figures_that_quote_lines_themselves_quote_the_same() -> None:
    """The toy's table of lines and attention's card stand beside the list; they can't disagree."""
    table = read(GUIDE / "js/figures/rungs/gpt-lines.js")
    entry = re.compile(r'start: "([^"]+)",\s+makes: \[([^]]*)\]')
    starts = {
        vector.replace("_", "-"): start
        for start, vectors in entry.findall(table)
        for vector in re.findall(r'"(\w+)"', vectors)
    }
    lines = {row.path: read(ROOT / row.path).split("\n") for row in ROWS}
    for row, span in made.of_pages()["learn/architecture"].items():
        if "softmax/" not in row.anchor:
            line = lines[row.path][span.first - 1].strip()
            assert line.startswith(starts[row.kind]), (row.kind, line)
    card = read(GUIDE / "js/figures/networks/attention-card.js").partition("many:")[0]
    for row, span in made.of_pages()["learn/attention"].items():
        assert lines[row.path][span.first - 1].strip() in card, row.kind
